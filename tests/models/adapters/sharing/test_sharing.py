"""A team shares one adapter by a folder, which is trusted no more than a clone."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from homespun.models.adapters import trusted
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sharing.place import Pointer, SharedPlace
from homespun.models.adapters.sharing.publish import publish
from homespun.models.adapters.sharing.pull import pull
from homespun.models.errors import (
    AdapterDamaged,
    AdapterError,
    AdapterForeign,
    AdapterUnfit,
    AdapterUnknown,
    ShareRefused,
)
from tests.support.hostile.settings_and_adapters import write_adapter

KEY = "k" * 40
FACTS = {
    "base": "/models/tiny",
    "base_sha256": "b" * 64,
    "general_sha256": "",
    "tokenizer_sha256": "c" * 64,
    "prompt_version": 2,
    "commit": "0123456789abcdef",
    "trained": "2026-03-01T10:00:00+00:00",
    "gate": {"promote": True, "headline": "better"},
}


class Team:
    """Two machines with a workspace each, and a folder that both reach."""

    def __init__(self, tmp_path, monkeypatch):
        self.tmp_path, self._monkeypatch = tmp_path, monkeypatch
        self.place = tmp_path / "team"
        self.place.mkdir()
        self.registries = {}
        for who in ("ann", "bob"):
            (tmp_path / who / "shop").mkdir(parents=True)
            self.registries[who] = Registry(tmp_path / who / "shop")
        write_adapter(tmp_path / "draft")
        (tmp_path / "draft" / "manifest.json").unlink()
        (tmp_path / "draft" / "report.html").write_text("<p>secret_line()</p>")
        (tmp_path / "draft" / "verdict.json").write_text("{}")
        (tmp_path / "draft" / "README.md").write_text("of peft")

    def at(self, who):
        self._monkeypatch.setenv("HOMESPUN_HOME", str(self.tmp_path / who / "home"))
        return self.registries[who]

    def key(self, key):
        self._monkeypatch.setenv("HOMESPUN_TEAM_KEY", key)

    def add(self, **facts):
        return self.at("ann").add(self.tmp_path / "draft", FACTS | facts)

    def publish(self, adapter=None, **settings):
        adapter = adapter or self.add()
        return publish(self.at("ann"), adapter.id, str(self.place), **settings)

    def pull(self, who="bob", model="/models/tiny", prompt_version=2, **settings):
        registry = self.at(who)
        where = str(self.place)
        return pull(registry, where, model=model, prompt_version=prompt_version, **settings)

    def objects(self):
        return {path.name: path for path in (self.place / "objects").iterdir()}

    def weights(self):
        [sha256] = [
            name
            for name, path in self.objects().items()
            if path.read_bytes()[8:9] == b"{" and path.read_bytes()[:1] != b"{"
        ]
        return self.objects()[sha256]

    def forged(self, **changes):
        """The manifest of what is offered with other facts, and a pointer that fits it."""
        place = SharedPlace(str(self.place))
        pointer = place.pointer()
        manifest = place.manifest(pointer.adapter) | changes
        sha256 = place.put_manifest(manifest)
        place.move_pointer(Pointer(pointer.number + 1, pointer.id, sha256))


@pytest.fixture
def team(tmp_path, monkeypatch):
    monkeypatch.delenv("HOMESPUN_TEAM_KEY", raising=False)
    return Team(tmp_path, monkeypatch)


def test_what_one_publishes_another_pulls_and_it_is_unknown_until_he_trusts_it(team):
    adapter = team.add()
    done = team.publish(adapter)
    assert (done.id, done.number, done.is_new, done.is_sealed) == (adapter.id, 1, True, False)
    pulled = team.pull()
    there = pulled.adapter
    assert there.id == f"{adapter.id}.{done.adapter[:8]}"
    assert (there.state, pulled.is_new) == ("unknown", True)
    assert set(there.manifest["files"]) == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "report.html",
        "verdict.json",
    }
    for name in there.manifest["files"]:
        assert (there.directory / name).read_bytes() == (adapter.directory / name).read_bytes()
    assert "seal" not in there.manifest
    registry = team.at("bob")
    with pytest.raises(AdapterForeign, match=f"homespun adapters trust {there.id}"):
        registry.promote(there.id)
    assert registry.trust(there.id).state == "candidate"
    assert registry.promote(there.id).state == "champion"
    assert team.pull().is_new is False
    assert len(registry.adapters()) == 1
    assert team.pull("ann").adapter.id == adapter.id  # its maker has it
    assert not list(team.place.rglob("*.tmp"))


def test_published_files_are_for_others_as_the_umask_says(team):
    before = os.umask(0o027)
    try:
        team.publish()
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in team.place.rglob("*") if path.is_file()}
    assert modes == ({0o640} if os.name == "posix" else modes)


def test_without_the_report_no_line_of_the_repository_goes_along(team):
    done = team.publish(report=False)
    assert set(done.files) == {"adapter_model.safetensors", "adapter_config.json", "verdict.json"}
    for path in team.objects().values():
        assert b"secret_line" not in path.read_bytes()
    assert team.at("bob").trust(team.pull().adapter.id).is_known


def test_a_later_publication_is_taken_and_never_an_earlier_one_unless_asked(team):
    first, second = team.add(), team.add(trained="2026-06-01T10:00:00+00:00")
    team.publish(first)
    old = (team.place / "current.json").read_bytes()
    team.pull()
    assert team.publish(second).number == 2
    newest = team.pull().adapter
    assert newest.id.startswith(second.id)
    assert team.publish(second).is_new is False
    (team.place / "current.json").write_bytes(old)  # somebody puts the old one back
    with pytest.raises(ShareRefused, match=r"publication 1 .*publication 2 was seen.*--older"):
        team.pull()
    assert team.pull(older=True).adapter.id.startswith(first.id)


def test_another_adapter_under_the_number_that_was_seen_is_refused(team):
    team.publish()
    team.pull()
    place = SharedPlace(str(team.place))
    manifest = place.manifest(place.pointer().adapter) | {"note": "another"}
    place.move_pointer(Pointer(1, "shop-1", place.put_manifest(manifest)))
    with pytest.raises(ShareRefused, match="another publication 1 was seen there before"):
        team.pull()


def test_an_adapter_that_was_learned_earlier_is_published_on_demand_alone(team):
    team.publish(team.add(trained="2026-06-01T10:00:00+00:00"))
    early = team.add()
    before = (team.place / "current.json").read_bytes()
    with pytest.raises(ShareRefused, match=r"learned later \(2026-06-01\).*--older"):
        team.publish(early)
    assert (team.place / "current.json").read_bytes() == before
    assert team.publish(early, older=True).number == 2


def test_what_is_unknown_or_damaged_is_not_published(team):
    registry = team.at("ann")
    write_adapter(registry.folder / "evil-1")
    with pytest.raises(AdapterForeign):
        publish(registry, "evil-1", str(team.place))
    adapter = team.add()
    (adapter.directory / "report.html").write_text("changed")
    with pytest.raises(AdapterDamaged):
        team.publish(adapter)
    assert list(team.place.iterdir()) == []


@pytest.mark.parametrize("when", ["weights", "manifest", "pointer"])
def test_a_half_written_upload_is_never_seen(team, when, monkeypatch):
    team.publish()
    first = team.pull().adapter.id
    second = team.add(trained="2026-06-01T10:00:00+00:00", note="second")

    def killed(*_):
        raise KeyboardInterrupt

    name = {"weights": "put_file", "manifest": "put_manifest", "pointer": "move_pointer"}[when]
    monkeypatch.setattr(SharedPlace, name, killed)
    with pytest.raises(KeyboardInterrupt):
        team.publish(second)
    monkeypatch.undo()
    monkeypatch.setenv("HOMESPUN_HOME", str(team.tmp_path / "bob" / "home"))
    again = pull(team.registries["bob"], str(team.place), model="/models/tiny", prompt_version=2)
    assert (again.adapter.id, again.is_new) == (first, False)


def nothing_was_taken(team):
    registry = team.at("bob")
    assert registry.adapters() == []
    assert not registry.folder.exists() or not [
        entry for entry in registry.folder.iterdir() if entry.is_dir()
    ]
    return True


def test_a_changed_object_is_refused_and_nothing_is_taken(team):
    team.publish()
    weights = team.weights()
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(ShareRefused, match="is not as it was published.*sha256"):
        team.pull()
    assert nothing_was_taken(team)
    team.publish()  # mends it
    assert team.pull().is_new


def test_a_missing_object_is_on_its_way(team):
    team.publish()
    team.weights().unlink()
    with pytest.raises(ShareRefused, match="still be on its way"):
        team.pull()
    assert nothing_was_taken(team)


def test_links_and_pipes_of_a_place_are_not_followed(team, tmp_path):
    team.publish()
    weights = team.weights()
    weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(tmp_path / "elsewhere")  # with the very bytes
    with pytest.raises(ShareRefused):
        team.pull()
    weights.unlink()
    os.mkfifo(weights)
    with pytest.raises(ShareRefused):
        team.pull()
    assert nothing_was_taken(team)


def test_a_folder_of_objects_that_is_a_link_is_neither_read_nor_written_through(team, tmp_path):
    team.publish()
    (team.place / "objects").rename(tmp_path / "objects")
    (team.place / "objects").symlink_to(tmp_path / "objects")
    with pytest.raises(ShareRefused, match="is not as it was published"):
        team.pull()
    (tmp_path / "precious").mkdir()
    (team.place / "objects").unlink()
    (team.place / "objects").symlink_to(tmp_path / "precious")
    with pytest.raises(Exception, match="plain f"):
        team.publish(older=True)
    assert list((tmp_path / "precious").iterdir()) == []


def test_a_pointer_that_is_a_link_is_replaced_and_never_written_through(team, tmp_path):
    (tmp_path / "bashrc").write_text("precious")
    (team.place / "current.json").symlink_to(tmp_path / "bashrc")
    with pytest.raises(ShareRefused, match="does not say which adapter"):
        team.publish()
    assert (tmp_path / "bashrc").read_text() == "precious"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 5_000,
        "9" * 20_000,
        '{"format": 1}',
        '{"format": 2, "number": 1, "id": "a-1", "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": 0, "id": "a-1", "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": true, "id": "a-1", "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": 1e400, "id": "a-1", "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": 1, "id": "../a", "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": 1, "id": 7, "adapter": "%s"}' % ("a" * 64),
        '{"format": 1, "number": 1, "id": "a-1", "adapter": "../../etc/passwd"}',
        '{"format": 1, "number": 1, "id": "a-1", "adapter": "%s", "seal": 7}' % ("a" * 64),
    ],
)
def test_a_hostile_pointer_is_a_sentence(team, text):
    (team.place / "current.json").write_text(text)
    with pytest.raises(ShareRefused, match="does not say which adapter is shared"):
        team.pull()
    assert nothing_was_taken(team)


@pytest.mark.parametrize(
    ("name", "sha256", "sentence"),
    [
        ("../../../evil.py", "", "no plain name of a file"),
        ("/etc/passwd", "", "no plain name of a file"),
        ("sub/x.json", "", "which no adapter of this version has"),
        ("evil.py", "", "which no adapter of this version has"),
        ("manifest.json", "", "which no adapter of this version has"),
        ("ADAPTER_CONFIG.JSON", "", "which no adapter of this version has"),
        ("report.html", "../../etc/passwd", "it is no plain file there"),
        ("report.html", 7, "the hash of 'report.html' is no text"),
    ],
)
def test_a_manifest_that_names_other_files_is_refused(team, name, sha256, sentence):
    team.publish()
    place = SharedPlace(str(team.place))
    known = place.manifest(place.pointer().adapter)["files"]
    team.forged(files=known | {name: sha256 or known["adapter_config.json"]})  # which is there
    with pytest.raises(AdapterError, match=sentence):
        team.pull()
    assert nothing_was_taken(team)


def test_what_is_larger_than_an_adapter_is_not_fetched(team):
    team.publish()
    with team.weights().open("r+b") as stream:
        stream.truncate(2_000_000_000)  # a hole: no disk is needed
    with pytest.raises(ShareRefused, match="2,000 MB, more than any of ours"):
        team.pull()
    assert nothing_was_taken(team)


def test_a_manifest_with_a_seal_of_its_own_is_refused(team):
    team.publish()
    team.forged(seal="f" * 64)
    with pytest.raises(ShareRefused, match="not written as ours are"):
        team.pull()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"model": "/models/other"}, "was made for the model '/models/tiny'"),
        ({"model": "qwen2.5-coder-0.5b"}, "was made for"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_fetched(team, asked, sentence):
    team.publish()
    team.weights().unlink()
    with pytest.raises(AdapterUnfit, match=sentence):
        team.pull(**asked)
    assert nothing_was_taken(team)


def test_the_prompt_version_has_to_fit(team):
    from homespun.models import catalogue
    from homespun.models.adapters.shipped import general_adapter

    model = "qwen2.5-coder-0.5b"
    base = catalogue.get(model).files[0].sha256
    general = general_adapter(model, base)
    facts = {"base": model, "base_sha256": base, "general_sha256": general.sha256}
    team.publish(team.add(**facts))
    with pytest.raises(AdapterUnfit, match="prompt version 2, but here it is 3"):
        team.pull(model=model, prompt_version=3)
    assert team.pull(model=model).is_new


def test_with_the_teams_key_it_is_known_at_once(team):
    team.key(KEY)
    assert team.publish().is_sealed
    assert KEY not in (team.place / "current.json").read_text()
    there = team.pull().adapter
    assert there.state == "candidate"
    assert team.at("bob").promote(there.id).state == "champion"


def test_what_was_pulled_unknown_is_known_once_the_key_is_there(team):
    team.key(KEY)
    team.publish()
    team.key("")
    assert team.pull().adapter.state == "unknown"
    team.key(KEY)
    pulled = team.pull()
    assert (pulled.is_new, pulled.adapter.state) == (False, "candidate")


def test_what_the_user_declined_stays_declined(team):
    team.key(KEY)
    done = team.publish()
    team.at("bob")
    trusted.record(done.adapter, done.id, "declined")
    assert team.pull().adapter.state == "unknown"


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: {**body, "seal": "0" * 64},
        lambda body: {name: value for name, value in body.items() if name != "seal"},
        lambda body: {**body, "number": body["number"] + 1},
        lambda body: {**body, "id": "shop-2"},
    ],
    ids=["another seal", "no seal", "another number", "another name"],
)
def test_what_nobody_of_the_team_published_is_refused(team, forge):
    team.key(KEY)
    team.publish()
    path = team.place / "current.json"
    path.write_text(json.dumps(forge(json.loads(path.read_text()))))
    with pytest.raises(ShareRefused, match=r"does not carry the seal of \$HOMESPUN_TEAM_KEY") as no:
        team.pull()
    assert KEY not in str(no.value)
    assert nothing_was_taken(team)
    assert team.publish().number == 2  # a member goes on from what he knows
    assert team.pull().adapter.is_known


def test_another_adapter_under_a_seal_of_the_team_is_refused(team):
    team.key(KEY)
    team.publish()
    seal = SharedPlace(str(team.place)).pointer().seal
    team.forged(note="evil")
    path = team.place / "current.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seal": seal, "number": 1}))
    with pytest.raises(ShareRefused, match="does not carry the seal"):
        team.pull()


def test_a_place_of_a_team_is_not_published_to_without_its_key(team):
    team.key(KEY)
    team.publish()
    team.key("")
    with pytest.raises(ShareRefused, match=r"\$HOMESPUN_TEAM_KEY is not set"):
        team.publish()


def test_a_key_that_can_be_guessed_is_none(team):
    team.key("password")
    for action in (team.publish, team.pull):
        with pytest.raises(ShareRefused, match="8 characters and can be guessed") as no:
            action()
        assert "password" not in str(no.value)


@pytest.mark.parametrize("where", ["s3://team/shop", "gs://x", "https://x/y", "file://host/x"])
def test_a_bucket_or_a_server_is_not_spoken_to(team, where):
    with pytest.raises(ShareRefused, match="no bucket or server is spoken to; mount"):
        pull(team.at("bob"), where, model="m", prompt_version=2)


def test_a_file_address_is_a_folder_and_a_missing_one_is_not_made(team):
    assert SharedPlace(team.place.as_uri()).root == team.place.resolve()
    with pytest.raises(ShareRefused, match="is no folder, so no adapter is shared there; mount"):
        SharedPlace(str(team.place / "gone"))
    assert not (team.place / "gone").exists()
    with pytest.raises(ShareRefused, match="offers no adapter"):
        team.pull()


def test_a_name_that_is_taken_by_other_bytes_is_refused(team):
    done = team.publish()
    registry = team.at("bob")
    write_adapter(registry.folder / f"{done.id}.{done.adapter[:8]}")
    with pytest.raises(AdapterUnknown, match="cannot be the name of another adapter"):
        team.pull()


def test_an_object_is_called_as_its_bytes_hash(team):
    team.publish()
    for name, path in team.objects().items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
