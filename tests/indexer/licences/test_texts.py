"""Which licence a text or a file's first lines name; the texts are those of real packages."""

from __future__ import annotations

from importlib import metadata

import pytest

from homespun.indexer.licences.texts import licence_of_head, licence_of_text

PHRASES = {
    "MIT": "Permission is hereby granted, free of charge, to any person\nobtaining a copy of this "
    "software\n\nThe above copyright notice and this permission notice shall be included in all",
    "MIT-0": "Permission is hereby granted, free of charge, to any person obtaining a copy of this",
    "ISC": "Permission to use, copy, modify, and/or distribute this software for any\npurpose, "
    "provided that the above copyright notice and this permission notice appear in all copies.",
    "0BSD": "Permission to use, copy, modify, and/or distribute this software for any purpose "
    "with or without fee is hereby granted.",
    "BSD-2-Clause": "Redistribution and use in source and binary forms, with or without",
    "BSD-3-Clause": "Redistribution and use in source and binary forms, with or without\n\n"
    "  * Neither the name of the copyright holder may be used to endorse or promote products",
    "BSD-4-Clause": "Redistribution and use in source and binary forms\n"
    "3. All advertising materials mentioning features or use of this software must",
    "Apache-2.0": "                Apache License\n           Version 2.0, January 2004",
    "MPL-2.0": "Mozilla Public License Version 2.0\n====\n1.12. GNU General Public License, "
    "Version 2.0",
    "GPL-2.0": "GNU GENERAL PUBLIC LICENSE\n  Version 2, June 1991",
    "GPL-3.0": "GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\nthe GNU Affero General "
    "Public License; use the GNU Lesser General Public License instead",
    "LGPL-2.1": "GNU LESSER GENERAL PUBLIC LICENSE\n  Version 2.1, February 1999",
    "LGPL-3.0": "GNU LESSER GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n"
    "version 3 of the GNU General Public License",
    "AGPL-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE\n  Version 3, 19 November 2007",
    "Unlicense": "This is free and unencumbered software released into the public domain.",
    "CC0-1.0": "Creative Commons Legal Code\n\nCC0 1.0 Universal",
}


@pytest.mark.parametrize(("name", "text"), PHRASES.items(), ids=PHRASES)
def test_a_licence_is_known_by_its_telling_phrases(name, text):
    assert licence_of_text(text) == name


@pytest.mark.parametrize(
    ("package", "file", "name"),
    [
        ("pytest", "LICENSE", "MIT"),
        ("build", "LICENSE", "MIT"),
        ("click", "LICENSE.txt", "BSD-3-Clause"),
        ("Pygments", "LICENSE", "BSD-2-Clause"),
        ("requests", "LICENSE", "Apache-2.0"),
        ("hypothesis", "LICENSE.txt", "MPL-2.0"),
        ("shellingham", "LICENSE", "ISC"),
        ("typing_extensions", "LICENSE", "PSF-2.0"),
    ],
)
def test_the_licence_of_an_installed_package_is_known(package, file, name):
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    [path] = [each for each in files if each.name == file and ".dist-info" in str(each)]
    assert licence_of_text(path.locate().read_text(encoding="utf-8")) == name


@pytest.mark.parametrize("text", ["", "\0\1", "All rights reserved.", "see the license", "x" * 99])
def test_what_is_no_known_licence_has_no_name(text):
    assert licence_of_text(text) == ""


GNU_NOTICE = """\
# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License{}.
"""


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("# SPDX-License-Identifier: MIT\nimport os\n", "MIT"),
        ("#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-only\n", "GPL-2.0-only"),
        ("/* SPDX-License-Identifier: (MIT  OR Apache-2.0) */\n", "(MIT OR Apache-2.0)"),
        ("<!-- SPDX-License-Identifier: CC0-1.0 -->\n", "CC0-1.0"),
        ("/*\n * SPDX-License-Identifier: GPL-2.0-only WITH x-y\n */\n", "GPL-2.0-only WITH x-y"),
        (GNU_NOTICE.format(", or\n# (at your option) any later version"), "GPL-3.0-or-later"),
        (GNU_NOTICE.format(""), "GPL-3.0-only"),
        ('"""Help.\n\nLicensed under the Apache License, Version 2.0.\n"""\n', "Apache-2.0"),
        ("# SPDX-License-Identifier: MIT OR\n", ""),
        ("# SPDX-License-Identifier: MIT\x1b[2J\n", ""),
        ("# SPDX-License-Identifier: ((((((((\n", ""),
        ("# Under the GNU General Public License, see COPYING\n", ""),
        ('import os\nTAG = "SPDX-License-Identifier: MIT"\n', ""),
        ("import os\n# SPDX-License-Identifier: MIT\n", ""),
        ("# licensed\n" * 100 + "# SPDX-License-Identifier: MIT\n", ""),
    ],
)
def test_the_comment_at_the_beginning_speaks_for_its_file(head, name):
    assert licence_of_head(head) == name
