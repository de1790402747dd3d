"""The files of a new noun, and the lines that it needs in existing files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from infra.noun import edits
from infra.noun.names import NounError, NounNames

TEMPLATES = Path(__file__).with_name("templates")
#: For each file of a noun its template.
_FILES = {
    "layers/switchboard/$things/__init__.py": "package.py",
    "layers/switchboard/$things/models.py": "models.py",
    "layers/switchboard/$things/store.py": "store.py",
    "layers/switchboard/$things/service.py": "service.py",
    "layers/switchboard/events/types/$things.py": "events.py",
    "functions/hum/$things/__init__.py": "route_package.py",
    "functions/hum/$things/schemas.py": "schemas.py",
    "functions/hum/$things/handler.py": "handler.py",
    "tests/contract/asks/$things.py": "asks.py",
    "tests/unit/$things/life.py": "life.py",
    "tests/unit/$things/test_service.py": "test_service.py",
    "tests/unit/$things/test_http.py": "test_http.py",
}
#: The files of a noun with a worker.
_WORKER_FILES = {
    "layers/switchboard/$things/jobs.py": "jobs.py",
    "layers/switchboard/$things/preparing.py": "preparing.py",
    "functions/workers/$things/__init__.py": "route_package.py",
    "functions/workers/$things/handler.py": "worker.py",
    "events/sqs-$queue.json": "sample.json",
    "tests/unit/$things/test_worker.py": "test_worker.py",
    "tests/integration/test_${thing}_faults.py": "test_faults.py",
}


@dataclass(frozen=True)
class Skeleton:
    """A new noun in a checkout of the repository. With `worker`, it also has a queue, a worker and a job."""

    root: Path
    names: NounNames
    worker: bool

    def write(self) -> list[str]:
        """Write all files and edits. Returns the paths. Raises NounError, and then nothing is written."""
        made = {self._fill(path): self._render(template) for path, template in self._templates().items()}
        for path in made:
            # An empty folder may stay from another branch.
            if (self.root / path).exists():
                raise NounError(f"{path} exists: choose another NAME, or delete the noun first")
        if self._taken_prefix():
            raise NounError(f"the ids of another noun begin with {self.names.prefix}_: give PREFIX=…")
        changed = {path: edit((self.root / path).read_text()) for path, edit in self._edits()}
        for path, text in (made | changed).items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self._tidy([*made, *changed])
        return [*made, *changed]

    def _templates(self) -> dict[str, str]:
        return _FILES | (_WORKER_FILES if self.worker else {})

    def _fill(self, text: str) -> str:
        return Template(text).substitute(self.names.words)

    def _render(self, template: str) -> str:
        """Fill a template. Lines that begin with `%worker` are for a noun with a worker, `%alone` for one without."""
        kept, left_out = ("%worker", "%alone") if self.worker else ("%alone", "%worker")
        lines = (TEMPLATES / f"{template}.tmpl").read_text().splitlines(keepends=True)
        return self._fill("".join(line.removeprefix(kept) for line in lines if not line.startswith(left_out)))

    def _taken_prefix(self) -> bool:
        needles = (f'new_id("{self.names.prefix}")', f'ID_PREFIX = "{self.names.prefix}', f"<{self.names.prefix}:")
        sources = [*(self.root / "layers").rglob("*.py"), *(self.root / "functions").rglob("*.py")]
        return any(needle in path.read_text() for path in sources for needle in needles)

    def _edits(self) -> Iterator[tuple[str, Callable[[str], str]]]:
        yield "layers/switchboard/team/permissions.py", self._permissions
        yield "layers/switchboard/persistence/retention_rows.py", self._retention
        yield "infra/topology.py", self._topology
        if self.worker:
            yield "layers/switchboard/fanout/routes.py", self._fanout
            yield "infra/local/samples.py", self._samples

    def _permissions(self, source: str) -> str:
        source = edits.append_members(
            source,
            "Permission",
            self._fill('    ${THINGS}_READ = "$things.read"\n    ${THINGS}_WRITE = "$things.write"'),
        )
        source = edits.append_item(source, "_VIEWER", self._fill("Permission.${THINGS}_READ"))
        return edits.append_item(source, "_OPERATOR", self._fill("Permission.${THINGS}_WRITE"))

    def _retention(self, source: str) -> str:
        row = 'ItemKind("activity", "$title", "<org>#$thing#<id>|$thing", _CHANGE, "The organization deletes it.")'
        return edits.append_item(source, "KINDS", self._fill(row))

    def _topology(self, source: str) -> str:
        group = """Group(
            "hum/$things",
            api="hum",
            paths=("api/$path", "api/$path/{proxy+}"),
            tables=_CONSOLE | {"activity": READ_WRITE},
            grants=frozenset({Grant.ROOT_SECRET}),
            draft=True,
        )"""
        source = edits.insert_item_before(source, "GROUPS", "Group('portal'", self._fill(group))
        if self.worker:
            source = edits.append_item(source, "QUEUES", self._fill('Queue("$queue")'))
            worker = 'Worker("workers/$things", queue="$queue", tables={"activity": READ_WRITE}, concurrency=20)'
            source = edits.append_item(source, "WORKERS", self._fill(worker))
        return source

    def _fanout(self, source: str) -> str:
        row = '"$queue": lambda event: Prepare$Thing(org_id=event.org_id, ${thing}_id=event.subject.id)'
        source = edits.append_item(source, "JOB_FACTORIES", self._fill(row))
        return edits.add_imports(source, self._fill("from switchboard.$things.jobs import Prepare$Thing"))

    def _samples(self, source: str) -> str:
        made = "$things.create_$thing(_master(demo), ${Thing}Settings(name='Sample')).id"
        source = edits.append_item(source, "makers", self._fill(f'"created_$thing": lambda: {made}'))
        return edits.add_imports(
            source,
            self._fill("from switchboard.$things import service as $things"),
            self._fill("from switchboard.$things.models import ${Thing}Settings"),
        )

    def _tidy(self, paths: list[str]) -> None:
        """Sort imports and format, because the length of the names decides about line breaks."""
        ruff = [sys.executable, "-m", "ruff"]
        files = [path for path in paths if path.endswith(".py")]
        config = ["--config", str(self.root / "pyproject.toml")]
        for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
            subprocess.run([*ruff, *command, *config, *files], cwd=self.root, check=True)
