"""Releases under load and under SIGKILL: deployed, gone back to, tried and shadowed while the daemon is killed.

`python -m tests.crash.releases --kills 100` prints what it counted; the daemon is a process of its own, and the
systems are simulators here, which keep every record. Each release bills another multiple of the rate, so a bill
shows by which release it was decided.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.cli.control import ask_daemon
from engine.clock import SystemClock
from engine.errors import TidegateError
from engine.ledger import instant, open_reader, verify_chain
from engine.releases import ReleasePlan, Wanted, deploy_here, make, write_plan
from engine.releases.back import plan_back
from engine.runtime.deployed import deployed_in
from engine.runtime.resolve import Person
from engine.session import load, snapshot
from tests.workspaces.systems import Erp, Rev, approval, hours, lines, signed

FLOW = "approved-time-to-billing"
KEYS = 5
LANES = 4  # who send at the same time
PERSON = Person(by="ann", reason="sweep")
FATES = ({}, {"queued": "move", "held": "finish", "waiting": "finish", "dead": "finish"})
FINISH = dict.fromkeys(("queued", "held", "waiting", "dead"), "finish")


@dataclass(slots=True)
class Found:
    """What a sweep came to."""

    kills: int = 0
    accepted: int = 0
    did: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    by_release: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    wrong: list[str] = field(default_factory=list)


class Sweep:
    """One sweep in a folder of its own."""

    def __init__(self, place: Path, seed: int, erp: Erp, rev: Rev) -> None:
        """Three releases, and the first of them deployed."""
        self.found = Found()
        self.ledger = str(place / "ledger.sqlite")
        self._random = random.Random(seed)
        self._erp, self._rev = erp, rev
        self._sessions = {factor: self._session(place, factor) for factor in (1, 2, 3)}
        self.factors = {session.ready.plan.release: factor for factor, session in self._sessions.items()}
        self._daemon: subprocess.Popen[str] | None = None
        self._hook = ""
        self._over = threading.Event()
        self._accepted: list[int] = []
        self._releases: dict[str, str] = {}
        for number in range(KEYS):
            erp.projects[f"P-{number}"] = {"id": f"P-{number}", "status": "open", "rate": 100}
        deploy_here(self._plan(1), self._sessions[1], PERSON, self.ledger, SystemClock())
        hired = place / "hired.jsonl"
        hired.write_text(lines(("worker.hired", {"id": "w-3", "name": "Ann"})))
        command = [sys.executable, "-m", "engine", "process", "-w", str(place / "1" / "hours"), "--events"]
        subprocess.run([*command, str(hired), *self._where()], check=True, capture_output=True)

    def _where(self) -> list[str]:
        systems = {"erp": self._erp.base_url, "rev": self._rev.base_url, "desk": "http://127.0.0.1:1"}
        given = [word for name, url in systems.items() for word in ("--simulator", f"{name}={url}")]
        return ["--ledger", self.ledger, *given]

    @staticmethod
    def _session(place, factor):
        (place / str(factor)).mkdir()
        folder = hours(place / str(factor))
        for file in (folder / "mappings" / "mappings.yaml", folder / "flows" / "billing.yaml"):
            text = file.read_text().replace(
                "entry.hours * project.rate", f"entry.hours * project.rate * {factor}"
            )
            file.write_text(text)
        return load(folder)

    def _plan(self, factor: int, fates: Mapping[str, str] = FINISH) -> ReleasePlan:
        session = self._sessions[factor]
        reader = open_reader(self.ledger) if Path(self.ledger).exists() else None
        wanted = Wanted(by="eve", at=instant(SystemClock().now()), environment="demo", fates=fates)
        try:
            return make(session, snapshot(session), reader, wanted)
        finally:
            if reader is not None:
                reader.close()

    # --- the daemon and its load ----------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon and wait until it takes work."""
        command = [sys.executable, "-m", "engine", "run", "--released", "--port", "0", *self._where()]
        self._daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._daemon.stdout is not None
        first = self._daemon.stdout.readline()
        assert "runs 3 flows" in first, (first, self._daemon.communicate()[1])
        self._hook = self._daemon.stdout.readline().strip()

    def kill(self) -> None:
        """SIGKILL."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.communicate()

    def load(self, lane: int) -> None:
        """Send approvals until told to end; each again until somebody has answered that it is safe."""
        number = lane
        while not self._over.is_set():
            body = json.dumps(approval(number, project=f"P-{number % KEYS}")).encode()
            while not self._sent(body):
                time.sleep(0.05)
            self._accepted.append(number)
            number += LANES

    def _sent(self, body: bytes) -> bool:
        request = urllib.request.Request(self._hook, body, signed(body))
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return bool(response.status == 202)
        except (OSError, urllib.error.HTTPError, ValueError):
            return False

    # --- what is done to it ---------------------------------------------------------------------

    def prepared(self, name: str) -> Callable[[], None]:
        """One of the things that a person does, as far as it can be made ready before; to be done later."""
        try:
            return getattr(self, f"_{name}")()  # type: ignore[no-any-return]
        except TidegateError as error:
            self.found.refused[f"{name}: {str(error)[:60]}"] += 1
            return lambda: None

    def _done(self, name: str, do: Callable[[], None]) -> None:
        try:
            do()
        except TidegateError as error:
            self.found.refused[f"{name}: {str(error).partition(':')[0][:40]}"] += 1

    def _asking(self, act: str, **said: str) -> Callable[[], None]:
        def ask() -> None:
            time.sleep(self._random.uniform(0.0, 0.4))
            answered = ask_daemon(self.ledger, act, {"by": "ann", "reason": "sweep", **said})
            self.found.did[f"{act} {'not taken' if answered is None else 'answered'}"] += 1

        return ask

    def _text(self, fates: Mapping[str, str]) -> str:
        reader = open_reader(self.ledger)
        active = reader.active_release()
        reader.close()
        others = [
            factor for release, factor in self.factors.items() if active and release != active.fingerprint
        ]
        return write_plan(self._plan(self._random.choice(others), fates)).decode()

    def _deploy(self) -> Callable[[], None]:
        return self._asking("deploy", plan=self._text({**FINISH, **self._random.choice(FATES)}))

    def _rollback(self) -> Callable[[], None]:
        reader = open_reader(self.ledger)
        try:
            plan = plan_back(reader, None, "eve", instant(SystemClock().now()), {})
        finally:
            reader.close()
        return self._asking("deploy", plan=write_plan(plan).decode())

    def _canary(self) -> Callable[[], None]:
        part = {"share": 5_000, "fields": {}, "flows": [], "stop": {"failed": 1}, "stop_after": 5}
        return self._asking("canary", plan=self._text(FINISH), part=json.dumps(part))

    def _canary_stop(self) -> Callable[[], None]:
        return self._asking("canary_stop")

    def _shadow(self) -> Callable[[], None]:
        file = Path(self.ledger).with_name("shadow.json")
        file.write_text(self._text(FINISH))
        command = [
            sys.executable,
            "-m",
            "engine",
            "shadow",
            str(file),
            "--ledger",
            self.ledger,
            "--for",
            "0.01",
        ]

        def follow() -> None:
            told = subprocess.run(command, capture_output=True, check=False, text=True).stdout
            self.found.did["shadow reported"] += "played" in told

        return follow

    # --- the sweep ------------------------------------------------------------------------------

    def run(self, kills: int) -> Found:
        """Kill the daemon so many times while things are done to it, then let it end its work."""
        lanes = [threading.Thread(target=self.load, args=(lane,)) for lane in range(1, LANES + 1)]
        names = ("deploy", "canary", "deploy", "rollback", "canary", "canary_stop", "deploy", "shadow")
        for number in range(kills):
            name = names[number % len(names)]
            do = self.prepared(name)
            self.start()
            if not number:
                [lane.start() for lane in lanes]
            acting = threading.Thread(target=self._done, args=(name, do))
            acting.start()
            time.sleep(self._random.uniform(0.1, 2.5))
            self.kill()
            self.found.kills += 1
            acting.join()
            self.look()
        self.start()
        self._over.set()
        [lane.join() for lane in lanes]
        self._drain()
        self.look()
        self.check()
        self.kill()
        return self.found

    def look(self) -> None:
        """Take down the release of each run, and say of which it has changed."""
        reader = open_reader(self.ledger)
        before = 2**62
        while rows := reader.runs(before=before, limit=1_000):
            before = rows[-1].seq
            for row in rows:
                if self._releases.setdefault(row.id, row.release) != row.release:
                    self.found.wrong.append(f"{row.id} has changed its release")
        reader.close()

    def _drain(self) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            reader = open_reader(self.ledger)
            left = reader.left_runs(limit=1)
            reader.close()
            if not left:
                return
            time.sleep(0.2)
        self.found.wrong.append("work is left that does not end")

    def check(self) -> None:
        """Nothing lost, nothing twice, and each bill by the release of its run."""
        found = self.found
        reader = open_reader(self.ledger)
        found.wrong += [f"the chain is broken: {one}" for one in verify_chain(reader)]
        bills = Counter(record["entry"] for record in self._erp.records)
        amounts = {record["entry"]: record["amount"] for record in self._erp.records}
        performed = Counter(record["source"] for record in self._rev.records)
        found.accepted = len(self._accepted)
        for number in sorted(self._accepted):
            name = f"te-{number}"
            if (bills[name], performed[name]) != (1, 1):
                found.wrong.append(f"{name}: {bills[name]} bills, {performed[name]} performances")
                continue
            runs = reader.attempts(FLOW, f"time.approved:{name}")
            found.moved += len(runs) - 1
            factor = self.factors[runs[-1].release]
            found.by_release[str(factor)] += 1
            if float(str(amounts[name])) != 750.0 * factor:
                found.wrong.append(f"{name}: billed {amounts[name]}, and its run is of release {factor}")
            if any(run.status != "moved" for run in runs[:-1]) or runs[-1].status != "completed":
                found.wrong.append(f"{name}: {[run.status for run in runs]}")
        found.did.update(one.kind for one in deployed_in(reader).deployments)
        reader.close()


def sweep(kills: int, seed: int) -> Found:
    """One sweep."""
    with tempfile.TemporaryDirectory(prefix="tidegate-releases-") as place, Erp() as erp, Rev() as rev:
        one = Sweep(Path(place), seed, erp, rev)
        try:
            return one.run(kills)
        finally:
            with suppress(Exception):
                one.kill()


def main() -> None:
    """Print what a sweep came to; the exit code is 1 when anything is wrong."""
    parser = ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261121)
    given = parser.parse_args()
    found = sweep(given.kills, given.seed)
    sys.stdout.write(
        f"{found.kills} kills, {found.accepted:,} accepted, {found.moved} moved, by release {dict(found.by_release)}\n"
        f"did {dict(found.did)}\nrefused {dict(found.refused)}\n"
    )
    sys.stdout.writelines(f"WRONG {line}\n" for line in found.wrong[:50])
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
