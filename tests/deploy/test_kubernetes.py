"""The Kubernetes recipe without a cluster: its schema, what the operator makes of it, and its arguments."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cryoscale.engine import ClusterKind
from cryoscale.products.deformation import DeformationConfig

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
CRDS = "operator/deployment/helm/dask-kubernetes-operator/crds"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "job.yaml").read_text())


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Of a DaskJob, from the operator's own files; nothing of the package is imported."""
    spec = find_spec("dask_kubernetes")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the operator's schemas are not there (pip install --no-deps dask-kubernetes)")
    crd = yaml.safe_load(Path(spec.submodule_search_locations[0], CRDS, "daskjob.yaml").read_text())
    assert crd["spec"]["names"]["kind"] == "DaskJob"
    return closed(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def closed(schema: Any) -> Any:
    """A schema in which fields that it does not name are wrong: the API server would drop them without a word."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        found["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return found


def body(job: dict[str, Any]) -> dict[str, Any]:
    """What the schema describes; the rest every object has."""
    assert (job["apiVersion"], job["kind"], set(job)) == (
        "kubernetes.dask.org/v1",
        "DaskJob",
        {"apiVersion", "kind", "metadata", "spec"},
    )
    return {"spec": job["spec"]}


def test_the_manifest_follows_the_schema(job, schema):
    jsonschema.validate(body(job), schema)


@pytest.mark.parametrize("wrong", [{"replica": 3}, {"replicas": "three"}])
def test_the_schema_finds_what_is_wrong(job, schema, wrong):
    broken = yaml.safe_load(yaml.safe_dump(body(job)))
    broken["spec"]["cluster"]["spec"]["worker"] |= wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def containers(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    parts = job["spec"]["cluster"]["spec"] | {"runner": job["spec"]["job"]}
    return {name: part["spec"]["containers"][0] for name, part in parts.items()}


def test_the_runner_s_arguments_make_a_configuration(job, tmp_path):
    runner = containers(job)["runner"]
    assert runner["command"] == ["cryoscale", "deformation", "/config/config.yaml"]
    path = tmp_path / "config.yaml"
    path.write_text("stack: {path: .}\nreference: {longitude: 99, latitude: 38}")
    config = DeformationConfig.load(path, [argument.removeprefix("--set=") for argument in runner["args"]])
    cluster = config.cluster
    assert cluster.kind is ClusterKind.TCP
    assert cluster.workers == job["spec"]["cluster"]["spec"]["worker"]["replicas"]
    assert cluster.tls is not None
    mounted = {mount["mountPath"] for mount in runner["volumeMounts"]}
    assert {str(file.parent) for _, file in cluster.tls} <= mounted
    assert cluster.address == f"tls://{job['metadata']['name']}-scheduler:8786"


@pytest.mark.slow
@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_scheduler_and_worker_know_their_arguments(job, part, tmp_path):
    """Started with the certificate missing, they get as far as reading it."""
    container = containers(job)[part]
    assert container["command"][:2] == ["dask", part]
    arguments = [*container["command"][2:], *container["args"]]
    missing = [argument.replace("/tls/", f"{tmp_path}/") for argument in arguments]
    command = [sys.executable, "-m", f"distributed.cli.dask_{part}", *missing]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "tls.crt" in done.stderr
    assert "No such option" not in done.stderr


def test_every_volume_that_is_mounted_is_there(job):
    for pod in (job["spec"]["job"], *job["spec"]["cluster"]["spec"].values()):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_what_the_operator_makes_of_it(job):
    controller = pytest.importorskip("dask_kubernetes.operator.controller.controller", exc_type=ImportError)
    name, spec = job["metadata"]["name"], job["spec"]["cluster"]["spec"]
    scheduler = controller.build_scheduler_deployment_spec(name, spec["scheduler"]["spec"], {}, {})
    service = controller.build_scheduler_service_spec(name, spec["scheduler"]["service"], {}, {})
    worker = controller.build_worker_deployment_spec(
        f"{name}-default", "permafrost", name, "0", spec["worker"]["spec"], {}, {}
    )
    runner = controller.build_job_pod_spec(name, name, "permafrost", job["spec"]["job"]["spec"], {}, {})
    assert service["metadata"]["name"] == "cryoscale-scheduler"
    assert service["spec"]["selector"].items() <= scheduler["spec"]["template"]["metadata"]["labels"].items()
    named = {port["name"] for port in containers(job)["scheduler"]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= named
    variables = {item["name"] for item in worker["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert "DASK_WORKER_NAME" in variables
    assert runner["metadata"]["name"] == "cryoscale-runner"


def test_the_container_file_copies_what_is_there():
    lines = (FOLDER / "Containerfile").read_text().splitlines()
    sources = [source for line in lines if line.startswith("COPY") for source in line.split()[1:-1]]
    assert "pyproject.toml" in sources
    root = FOLDER.parents[1]
    assert all((root / source).exists() for source in sources)
