"""What docs/scale/team/ ships for containers holds together; no engine for them runs here."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.e2e.scale.team_door import FILES

PORT = 8443
LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FILES / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def manifest():
    found = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {each["kind"]: each for each in found}


@pytest.fixture(scope="module")
def pod(manifest):
    return manifest["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def containers(pod):
    return {each["name"]: each for each in pod["containers"]}


def test_both_start_the_same_model_server_which_listens_to_nobody_outside(compose, containers):
    ours, theirs = compose["vllm"]["command"], containers["vllm"]["args"]
    assert [each for each in ours if "--model=" not in each] == [
        each for each in theirs if "--model=" not in each
    ]
    assert f"--host={LOCAL}" in ours
    assert compose["vllm"]["environment"] == {
        each["name"]: each["value"] for each in containers["vllm"]["env"]
    }
    assert not any("api-key" in each for each in ours)  # it would guard only a part


def test_the_proxy_shares_the_servers_network_and_is_all_that_is_seen(
    compose, containers, manifest
):
    assert compose["proxy"]["network_mode"] == "service:vllm"
    assert compose["vllm"]["ports"] == [f"{PORT}:{PORT}"]
    assert [each["containerPort"] for each in containers["proxy"]["ports"]] == [PORT]
    assert "ports" not in containers["vllm"]
    assert manifest["Service"]["spec"]["ports"][0]["targetPort"] == "https"
    assert manifest["NetworkPolicy"]["spec"]["ingress"] == [{"ports": [{"port": "https"}]}]


def test_both_mount_the_one_configuration_and_the_folder_of_secrets(compose, containers, pod):
    mounted = {tuple(each.split(":")[:2]) for each in compose["proxy"]["volumes"]}
    there = {each["mountPath"]: each for each in containers["proxy"]["volumeMounts"]}
    assert mounted == {("./nginx.conf", "/etc/nginx/nginx.conf"), ("./secret", "/etc/nginx/team")}
    assert set(there) == {"/etc/nginx/nginx.conf", "/etc/nginx/team", "/tmp"}
    assert "subPath" not in there["/etc/nginx/team"]  # a file mounted so never changes
    assert {each["name"] for each in pod["volumes"]} >= {
        mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]
    }


def test_the_configuration_listens_and_reads_where_they_say():
    text = (FILES / "nginx.conf").read_text(encoding="utf-8")
    assert f"listen {PORT} ssl;" in text
    assert re.findall(r"server (\S+);", text) == [f"{LOCAL}:8000"]
    assert set(re.findall(r"/etc/nginx/\S+?(?=;)", text)) == {
        f"/etc/nginx/team/{name}" for name in ("tokens.map", "tls.crt", "tls.key")
    }
    assert re.findall(r"location (\S.*?) \{", text) == [
        *("= /v1/completions", "= /v1/models", "/"),
        *("@slower", "@smaller", "@away"),
    ]


def test_images_have_versions_and_no_secret_can_be_committed(compose, containers):
    images = {each["image"] for each in (*compose.values(), *containers.values())}
    assert len(images) == 2
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", each) for each in images)
    assert (FILES / ".gitignore").read_text(encoding="utf-8").split() == ["secret/"]
    assert not (FILES / "tokens.map").exists()
