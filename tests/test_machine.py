"""How much memory may be taken, where a container allows less than the machine has."""

import pytest

from bcl_core.machine import cores, free_memory

GB = 1 << 30


@pytest.fixture
def machine(tmp_path):
    """A machine of which 8 GB are free, in files below a folder."""

    def write(**files):
        for name, text in {"proc/meminfo": f"MemTotal: 1 kB\nMemAvailable: {8 * GB // 1024} kB\n", **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(str(text))
        return tmp_path

    return write


def test_without_a_container_all_that_is_free_may_be_taken(machine):
    assert free_memory(machine()) == 8 * GB


@pytest.mark.parametrize(
    ("line", "home", "names"),
    [
        ("0::/box/inner", "", ("memory.max", "memory.current", "inactive_file")),
        (
            *("5:memory:/box/inner", "memory/"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
    ids=["v2", "v1"],
)
def test_a_container_around_this_process_s_own_bounds_it_and_what_files_have_left_is_free(machine, line, home, names):
    limit, usage, of_files = names
    box = f"sys/fs/cgroup/{home}box"
    files = {"proc/self/cgroup": f"3:cpu:/elsewhere\n{line}\n", f"{box}/memory.stat": f"anon 1\n{of_files} {GB}\n"}
    files |= {f"{box}/{limit}": 4 * GB, f"{box}/{usage}": 3 * GB, f"{box}/inner/{limit}": "max"}
    assert free_memory(machine(**files)) == 2 * GB


def test_a_core_may_be_used_at_least():
    assert cores() >= 1 and free_memory() > 0
