# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check, declared. C(make) brings what they need; antsibull-nox.toml holds the checks that antsibull-nox knows.

All sessions share the one environment that C(make) made (nothing is installed here), so a run is quick and needs no network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from pathlib import Path

import antsibull_nox
import nox

CACHE = Path(os.environ.get("HYPERVISOR_NETWORK_CACHE", ".nox")).absolute()
# What tools leave in a checkout, which must not be published
LEFT_BEHIND = (
    ".hypothesis/constants/1",
    ".ruff_cache/1",
    ".pytest_cache/1",
    ".nox/1",
    ".github/1.yml",
    "changelogs/.plugin-cache.yaml",
    "tests/output/1",
    "plugins/modules/__pycache__/1.pyc",
    "hypervisor-network-0.0.1.tar.gz",
)
nox.options.default_venv_backend = "none"
nox.options.envdir = str(CACHE / "nox")

antsibull_nox.load_antsibull_nox_toml()


def tests(session: nox.Session, *places: str) -> None:
    """Run folders or files of tests. An interrupted run gets the time to remove what it made."""
    session.run("pytest", *places, *session.posargs, interrupt_timeout=180, terminate_timeout=30)


@nox.session
def unit(session: nox.Session) -> None:
    """Planners, parsers, argv, and the walls of the house: no root, seconds. Each file is held to its own test file."""
    tests(session, "tests/unit", "--own-coverage")


@nox.session(name="unit-newest")
def unit_newest(session: nox.Session) -> None:
    """The unit tests with Debian 13's Python and the newest ansible-core."""
    _unit_elsewhere(session, "13")


@nox.session(name="unit-oldest")
def unit_oldest(session: nox.Session) -> None:
    """What runs on a hypervisor with Debian 11's Python 3.9: the rooms of module_utils. The controller wants a newer one."""
    rooms = sorted(str(path) for path in Path("tests/unit").glob("_*") if path.is_dir())
    # what the templar of a newer core hands over is met on the controller alone
    _unit_elsewhere(session, "11", *rooms, "--ignore=tests/unit/_bridge_host/test_items_lazy.py")


def _unit_elsewhere(session: nox.Session, release: str, *words: str) -> None:
    place = installed_copy(session)
    session.chdir(place)
    session.run(
        *debian(release), "pytest", *(words or ["tests/unit"]), "-q", "-p", "no:cacheprovider",
        # what it reads is the checkout, by git, and the same for every Python
        "--ignore=tests/unit/test_house.py", *session.posargs,
        env=ansible_home(session), external=True,
    )  # fmt: skip


def debian(release: str) -> tuple[str, str]:
    """What runs a command in another release of Debian."""
    return str(Path(__file__).with_name("tools") / "debian"), release


@nox.session
def integration(session: nox.Session) -> None:
    """Each module by playbook in a throw-away namespace, with the oldest and the newest pyroute2."""
    tests(session, "tests/integration")


@nox.session(name="targets-elsewhere")
def targets_elsewhere(session: nox.Session) -> None:
    """The targets among them with Python 3.9 and 3.13 on the hypervisor's side, and the oldest and the newest pyroute2."""
    env = {"HYPERVISOR_NETWORK_EACH": "1"}
    for variable, release in (("OLD", "11"), ("NEW", "13")):
        program = session.run(
            *debian(release), "--interpreter", external=True, silent=True, log=False
        )
        env[f"HYPERVISOR_NETWORK_{variable}_PYTHON"] = str(program).split()[-1]
    session.run("pytest", "tests/integration/test_targets.py", *session.posargs, env=env)


@nox.session(name="ansible-test")
def ansible_test(session: nox.Session) -> None:
    """The targets once more as C(ansible-test integration) runs them. They make namespaces of their own; one that forgot would meet an empty one."""
    session.chdir(installed_copy(session))
    words = ("ansible-test", "integration", "--color", "no", "--python", "default", "--allow-destructive")  # fmt: skip
    session.run(
        "unshare", "--net", *words, *session.posargs, env=ansible_home(session), external=True
    )


@nox.session(name="faults-guests")
def faults_guests(session: nox.Session) -> None:
    """The fault matrix of guests and their disks, in namespaces."""
    tests(session, *_faults("guests"))


@nox.session(name="faults-guard")
def faults_guard(session: nox.Session) -> None:
    """The fault matrix of the guard: killed, unconfirmed, cut off, and a fleet of it, in namespaces."""
    tests(session, *_faults("guard"))


@nox.session(name="faults-managers")
def faults_managers(session: nox.Session) -> None:
    """The fault matrix of what boots: files, those who read them, and full disks, in namespaces and containers."""
    tests(session, *_faults("managers"))


@nox.session(name="faults-networks")
def faults_networks(session: nox.Session) -> None:
    """The fault matrix of bridges, uplinks and bad input, in namespaces."""
    tests(session, *_faults("networks"))


def _faults(about: str) -> list[str]:
    """Each file of the matrix is in one of four parts."""
    return [
        str(path)
        for path in sorted(Path("tests/faults").glob("test_*.py"))
        if _part(path.name) == about
    ]


def _part(name: str) -> str:
    """Groups H and J of the matrix are about guests; C, D and E, and what is named for it, about the guard; F, G and I about what boots."""
    if name.startswith(("test_h_", "test_j_", "test_d_guests")):
        return "guests"
    if name.startswith(("test_c_", "test_d_", "test_e_")) or "guard" in name:
        return "guard"
    if name.startswith(("test_f_", "test_g_", "test_i_")):
        return "managers"
    return "networks"


@nox.session(name="faults-lab")
def faults_lab(session: nox.Session) -> None:
    """The fault matrix, on a hypervisor of the lab that is switched off and on."""
    tests(session, "tests/faults/lab")


@nox.session
def acceptance(session: nox.Session) -> None:
    """Hypervisors of the lab, converted over SSH, rebooted, and still true."""
    tests(session, "tests/acceptance")


@nox.session
def ruff(session: nox.Session) -> None:
    """Unused names, likely bugs, old idioms, order of imports, and the formatter's lines."""
    session.run("ruff", "check", "--quiet", "--cache-dir", str(CACHE / "ruff"), ".")
    session.run("ruff", "format", "--check", "--quiet", "--cache-dir", str(CACHE / "ruff"), ".")


@nox.session
def imports(session: nox.Session) -> None:
    """The floors, the pure rooms and the doors, as .importlinter declares them."""
    session.run("lint-imports", "--cache-dir", str(CACHE / "imports"))


@nox.session(name="ansible-lint")
def ansible_lint(session: nox.Session) -> None:
    """Roles, playbooks and examples, profile production."""
    session.chdir(installed_copy(session))
    session.run("ansible-lint", "--offline", "--strict", "--nocolor", env=ansible_home(session))


@nox.session(name="docs")
def docs(session: nox.Session) -> None:
    """The documentation's markup and references."""
    session.chdir(installed_copy(session))
    words = ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "--check-extra-docs-refs", ".")  # fmt: skip
    # It checks the name of its own temporary folder too, and one that ends in "_", as one in 37 does, is a reference to it: what it says, it has to say twice
    if session.run(*words, env=ansible_home(session), silent=True, success_codes=(0, 3)):
        session.run(*words, env=ansible_home(session))


@nox.session(name="docs-site")
def docs_site(session: nox.Session) -> None:
    """The documentation as a site; a reference that leads nowhere fails it, and so does what Chromium shows of a page, where it is installed."""
    site = CACHE / "site"
    session.run(
        "python",
        "tools/docsite.py",
        str(installed_copy(session)),
        str(site),
        env=ansible_home(session),
    )
    looked = {"HYPERVISOR_NETWORK_SITE": str(site / "html")}
    session.run("pytest", "tests/site", "-q", "-rs", *session.posargs, env=looked)
    session.log(f"The site is {site / 'html' / 'index.html'}")


@nox.session
def sanity(session: nox.Session) -> None:
    """C(ansible-test sanity) on this Python, with no ignores."""
    _sanity(session)


@nox.session(name="sanity-oldest")
def sanity_oldest(session: nox.Session) -> None:
    """The same with the oldest ansible-core that is supported."""
    _sanity(session, first=str(Path(os.environ["HYPERVISOR_NETWORK_OLDEST_CORE"]).parent))


@nox.session(name="sanity-newest")
def sanity_newest(session: nox.Session) -> None:
    """The same with the newest ansible-core, on Debian 13's Python: it refuses what the others take."""
    _sanity(session, *debian("13"))


def _sanity(session: nox.Session, *wrapper: str, first: str | None = None) -> None:
    """C(wrapper) is what runs the programs, C(first) the folder where they are looked for before all others."""
    session.chdir(installed_copy(session))
    env = {**ansible_home(session), "HOME": str(CACHE / "home" / session.name)}
    # The shims of a version manager look like interpreters of every version, and most of them are none
    folders = [path for path in os.environ["PATH"].split(os.pathsep) if Path(path).name != "shims"]
    env["PATH"] = os.pathsep.join(([first] if first else []) + folders)
    _bootstrap_pip(session, Path(env["HOME"]), env, *wrapper)
    # Most of it is pylint, which makes circles that live as long as it does: looking for others was a third of its work. What ansible-test starts has
    # the root of the copy on its path.
    (copies(session) / "sitecustomize.py").write_text(
        "import gc\n\ngc.set_threshold(200_000, 50, 100)\n", encoding="ascii"
    )
    words = (*wrapper, "ansible-test", "sanity", "--color", "no", "--python", "default")
    session.run(*words, env=env, external=True)


@nox.session(name="galaxy-importer")
def galaxy_importer(session: nox.Session) -> None:
    """What Galaxy itself would say of the collection: it holds what is tracked and nothing that tools left, and is taken without a warning."""
    place = installed_copy(session)
    tracked = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    for left in LEFT_BEHIND:
        (place / left).parent.mkdir(parents=True, exist_ok=True)
        (place / left).touch()
    session.chdir(place)
    env = ansible_home(session)
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", "..", env=env)
    (tarball,) = place.parent.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        packed = {member.name for member in archive if member.isfile()}
    surplus = packed - tracked - {"MANIFEST.json", "FILES.json"}
    if surplus:
        session.error(f"the tarball holds what is not tracked: {', '.join(sorted(surplus))}")
    python = Path(os.environ["HYPERVISOR_NETWORK_GALAXY_PYTHON"])
    said = session.run(
        str(python), "-m", "galaxy_importer.main", str(tarball),
        env={**env, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}, external=True, silent=True, log=False,
    )  # fmt: skip
    complaints = [line for line in str(said).splitlines() if re.match("WARNING|ERROR", line)]
    if complaints or "Importer processing completed successfully" not in str(said):
        session.error("\n".join(complaints or str(said).splitlines()[-20:]))


@nox.session(name="execution-environment")
def execution_environment(session: nox.Session) -> None:
    """The image of an execution environment, as far as it can be had without a registry: what is in it, and what is built from."""
    place = installed_copy(session)
    session.chdir(place)
    env = ansible_home(session)
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", "..", env=env)
    session.chdir(place.parent)
    (tarball,) = place.parent.glob("*.tar.gz")
    collections = [{"name": tarball.name, "type": "file"}]
    wanted = {
        "version": 3,
        "images": {"base_image": {"name": "debian:trixie"}},
        "dependencies": {
            "ansible_core": {"package_pip": "ansible-core>=2.16"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "galaxy": {"collections": collections},
        },
        "additional_build_files": [{"src": tarball.name, "dest": "galaxy"}],
    }
    Path("execution-environment.yml").write_text(json.dumps(wanted), encoding="utf-8")
    builder = Path(os.environ["HYPERVISOR_NETWORK_GALAXY_PYTHON"]).with_name("ansible-builder")
    session.run(
        str(builder), "create", "--file", "execution-environment.yml", external=True, env=env
    )
    if not (Path("context") / "_build" / "galaxy" / tarball.name).is_file():
        session.error("the context of the image holds no collection")
    told = session.run(
        str(builder), "introspect", str(copies(session)), external=True, silent=True, log=False, env=env,
    )  # fmt: skip
    missing = {"pyroute2", "netaddr", "openssh-client", "graphviz"} - set(
        re.findall(r"[\w-]+", str(told))
    )
    if missing:
        session.error(f"an execution environment would lack {', '.join(sorted(missing))}: {told}")


@nox.session
def changelog(session: nox.Session) -> None:
    """The changelog's fragments."""
    session.chdir(installed_copy(session))
    session.run("antsibull-changelog", "lint")


def copies(session: nox.Session) -> Path:
    """Where this session of this checkout has its copy: two checkouts may be checked at once."""
    return (
        CACHE / "copy" / Path(os.environ.get("HYPERVISOR_NETWORK_TREE", "tree")).name / session.name
    )


def installed_copy(session: nox.Session) -> Path:
    """A copy of the tracked and new files, where Ansible's tools look for a collection: they write beside what they read."""
    listed = session.run_install(
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        external=True,
        silent=True,
        log=False,
    )
    root = copies(session)
    shutil.rmtree(root, ignore_errors=True)
    place = root / "ansible_collections" / "hypervisor" / "network"
    for name in str(listed).split("\0"):
        if name and Path(name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, place / name)
    return place


def ansible_home(session: nox.Session) -> dict[str, str]:
    """An environment for Ansible's tools whose home is in the cache, so that they leave nothing in the user's."""
    home = CACHE / "home"
    home.mkdir(parents=True, exist_ok=True)
    path = str(copies(session))
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", os.path.expanduser("~/.config")),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": path,
        "PYTHONPATH": path,
    }


def _bootstrap_pip(session: nox.Session, home: Path, env: dict[str, str], *wrapper: str) -> None:
    """Give ansible-test the script it would download to install pip: the one that Python brings is enough."""
    code = "import ansible_test._internal.python_requirements as m; print(open(m.__file__).read())"
    source = session.run(
        *wrapper, "python", "-c", code, env=env, external=True, silent=True, log=False
    )
    wanted = set(re.findall(r"pip='([0-9.]+)'", str(source)))
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in wanted:
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(
            "import ensurepip\nensurepip.bootstrap(default_pip=True)\n", encoding="utf-8"
        )
