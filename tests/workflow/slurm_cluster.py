"""A Slurm of one's own for tests: controller, nodes, accounting, fake GPUs, all below one folder of this machine.

As root, without systemd and without cgroups. Two partitions share the nodes: jobs of `urgent` take them from jobs of
`normal`, which Slurm then starts again (PreemptMode=REQUEUE). The GPUs are device files without a device.
"""

import os
import secrets
import shutil
import socket
import stat
import subprocess
import time
from contextlib import closing, suppress

PROGRAMS = {
    "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm", "munged": "munge",
    "slurmdbd": "slurmdbd", "mariadbd": "mariadb-server", "mariadb-install-db": "mariadb-server",
}  # fmt: skip
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MODEL = "fake"


def obstacle():
    """Why no cluster can be started here; empty where one can."""
    if os.geteuid() != 0:
        return "Slurm's daemons and device files need root"
    absent = [name for name in PROGRAMS if shutil.which(name, path=SYSTEM_PATH) is None]
    if absent:
        packages = " ".join(sorted({PROGRAMS[name] for name in absent}))
        return f"not installed: {', '.join(absent)} (apt-get install --no-install-recommends {packages})"
    return ""


def free_ports(count):
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(condition, seconds, what):
    """The condition's value as soon as it has one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


class Cluster:
    """Started by `with`; `environment` is what a user of it has."""

    def __init__(self, folder, nodes=3, cpus=8, memory=32000, gpus=1):
        self.folder = folder
        self.nodes = [f"n{i}" for i in range(1, nodes + 1)]
        self.cpus, self.memory, self.gpus = cpus, memory, gpus
        self.daemons = []
        self.conf = folder / "etc" / "slurm.conf"

    @property
    def environment(self):
        """As after logging in to a cluster: Slurm's commands find their controller."""
        return {"SLURM_CONF": str(self.conf), "PATH": f"{self.folder / 'bin'}:{SYSTEM_PATH}", "LC_ALL": "C"}

    def __enter__(self):
        for name in ("etc", "bin", "dev", "db", "log", "state", "munge"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)  # munged asks who may reach its socket
        try:
            self._configure()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """Stop what was started, the last first."""
        with suppress(subprocess.SubprocessError, OSError):
            self.run("scancel", "--full", "--signal=KILL", "--user=root")
            self.run("scancel", "--user=root")
            wait_for(lambda: not self.run("squeue", "--noheader"), 10, "jobs to end")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons.clear()

    def run(self, *command, check=True):
        """Output of one of Slurm's commands."""
        done = subprocess.run(
            command, env=self.environment, text=True, capture_output=True, timeout=30, check=False
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def accounts(self, *fields, name=""):
        """What `sacct` knows of all jobs, oldest first; one dict an allocation, also of those started again."""
        lines = self.run(
            "sacct", "--allocations", "--duplicates", "--noheader", "--parsable2", "--starttime=now-1days",
            f"--format={','.join(fields)}", *([f"--name={name}"] if name else []),
        ).splitlines()  # fmt: skip
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]

    def _daemon(self, name, *command, **environment):
        with (self.folder / "log" / f"{name}.out").open("wb") as log:
            daemon = subprocess.Popen(
                command,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.daemons.append(daemon)

    def _start(self):
        munge, database = self.folder / "munge", self.folder / "db"
        self._daemon(
            "munged", "munged", "--foreground", "--force", f"--key-file={munge / 'key'}",
            f"--socket={munge / 'socket'}", f"--pid-file={munge / 'pid'}", f"--log-file={munge / 'log'}",
            f"--seed-file={munge / 'seed'}",
        )  # fmt: skip
        self.run(
            "mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={database}",
            "--auth-root-authentication-method=socket", "--skip-test-db", "--innodb-flush-method=nosync",
        )  # fmt: skip
        self._daemon(
            "mariadbd", "mariadbd", "--no-defaults", "--user=root", f"--datadir={database}", "--skip-networking",
            f"--socket={self.folder / 'db.socket'}", f"--pid-file={self.folder / 'db.pid'}",
            "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900", "--innodb-flush-method=nosync",
        )  # fmt: skip
        wait_for((self.folder / "db.socket").exists, 20, "mariadbd")
        wait_for((munge / "socket").exists, 10, "munged")
        self._daemon("slurmdbd", "slurmdbd", "-D", MYSQL_UNIX_PORT=str(self.folder / "db.socket"))
        wait_for(lambda: listening(self.ports["dbd"]), 30, "slurmdbd")
        self.run("sacctmgr", "--immediate", "add", "cluster", "tests")
        self.run("sacctmgr", "--immediate", "add", "account", "lottery", "Cluster=tests")
        self.run("sacctmgr", "--immediate", "add", "user", "root", "Account=lottery")
        self._daemon("slurmctld", "slurmctld", "-D", "-c")
        for node in self.nodes:
            self._daemon(f"slurmd-{node}", "slurmd", "-D", "-N", node)
        idle = ("sinfo", "--noheader", "--Node", "--partition=normal", "--states=idle", "--format=%N")
        wait_for(lambda: len(self.run(*idle, check=False).split()) == len(self.nodes), 30, "idle nodes")

    def _configure(self):
        self.ports = dict(
            zip(("controller", "dbd", *self.nodes), free_ports(2 + len(self.nodes)), strict=True)
        )
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        (self.folder / "munge").chmod(0o755)
        for number in range(len(self.nodes) * self.gpus):
            # Slurm sets CUDA_VISIBLE_DEVICES for GPUs with a device file only; any device does (this is /dev/null's).
            os.mknod(self.folder / "dev" / f"gpu{number}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        etc = self.conf.parent
        self.conf.write_text(self._slurm_conf())
        (etc / "gres.conf").write_text(
            "".join(
                f"NodeName={node} Name=gpu Type={MODEL} File={self.folder / 'dev' / f'gpu{number}'}\n"
                for i, node in enumerate(self.nodes)
                for number in range(i * self.gpus, (i + 1) * self.gpus)
            )
        )
        (etc / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        dbd = etc / "slurmdbd.conf"
        dbd.write_text(self._slurmdbd_conf())
        dbd.chmod(0o600)
        # The executor plugin takes every SLURM_* variable from its jobs, and with them the place of this private
        # configuration; on a real cluster it is where `srun` looks by itself.
        srun = self.folder / "bin" / "srun"
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.conf} exec {shutil.which("srun", path=SYSTEM_PATH)} "$@"\n'
        )
        srun.chmod(0o755)

    def _slurm_conf(self):
        # proctrack/pgid, as cgroups do, kills whatever outlives a step's first process; linuxproc loses orphans.
        host, log = socket.gethostname().split(".")[0], self.folder / "log"
        lines = [
            "ClusterName=tests", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={self.ports['controller']}",
            "SlurmUser=root", "SlurmdUser=root", "AuthType=auth/munge", "CredType=cred/munge",
            # A job that is started again waits until its old credential has expired: 2 minutes by default.
            f"AuthInfo=socket={self.folder / 'munge' / 'socket'},cred_expire=5",
            f"SlurmctldPidFile={self.folder / 'ctld.pid'}", f"SlurmctldLogFile={log / 'slurmctld'}",
            f"StateSaveLocation={self.folder / 'state'}",
            f"SlurmdPidFile={self.folder}/%n.pid", f"SlurmdLogFile={log}/%n", f"SlurmdSpoolDir={self.folder}/spool-%n",
            "SlurmdParameters=config_overrides", "ProctrackType=proctrack/pgid", "TaskPlugin=task/none",
            "SwitchType=switch/none", "MpiDefault=none", "ReturnToService=2", "CommunicationParameters=NoAddrCache",
            "JobAcctGatherType=jobacct_gather/linux", "JobAcctGatherFrequency=task=1",
            "JobAcctGatherParams=OverMemoryKill", "KillWait=10", "MinJobAge=300",
            "SchedulerType=sched/backfill",
            "SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1,sched_interval=2",
            "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core_Memory",
            "PriorityType=priority/basic", "PreemptType=preempt/partition_prio", "PreemptMode=REQUEUE",
            "GresTypes=gpu", "AccountingStorageType=accounting_storage/slurmdbd", "AccountingStorageHost=localhost",
            f"AccountingStoragePort={self.ports['dbd']}", "AccountingStorageTRES=gres/gpu",
            f"AccountingStoragePass={self.folder / 'munge' / 'socket'}", "AccountingStoreFlags=job_comment",
        ]  # fmt: skip
        lines += [
            f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname={host} Port={self.ports[node]} CPUs={self.cpus} "
            f"RealMemory={self.memory} Gres=gpu:{MODEL}:{self.gpus}"
            for node in self.nodes
        ]
        both = "Nodes=ALL MaxTime=INFINITE DefMemPerCPU=500 State=UP"
        lines += [
            f"PartitionName=normal {both} Default=YES PriorityTier=1 PreemptMode=REQUEUE",
            f"PartitionName=urgent {both} PriorityTier=10 PreemptMode=OFF",
        ]
        return "\n".join(lines) + "\n"

    def _slurmdbd_conf(self):
        return "\n".join(
            [
                "AuthType=auth/munge", f"AuthInfo=socket={self.folder / 'munge' / 'socket'}", "DbdHost=localhost",
                "DbdAddr=127.0.0.1", f"DbdPort={self.ports['dbd']}", "SlurmUser=root",
                f"LogFile={self.folder / 'log' / 'slurmdbd'}", f"PidFile={self.folder / 'dbd.pid'}",
                "StorageType=accounting_storage/mysql", "StorageHost=localhost", "StorageLoc=accounting",
                "StorageUser=root", "",
            ]
        )  # fmt: skip


def listening(port):
    """Whether somebody accepts connections."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
