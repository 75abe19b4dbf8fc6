import json

from hypothesis import given
from hypothesis import strategies as st

from finetune.job.hosts import HOSTS, hosts_of, parse_hosts


def config(count: int, current: int) -> str:
    hosts = [f"algo-{number}" for number in range(1, count + 1)]
    return json.dumps({"hosts": hosts, "current_host": hosts[current], "network_interface_name": "eth0"})


@given(st.integers(1, 8), st.text())
def test_one_host_leads_and_all_know_it_and_its_port(count: int, job: str) -> None:
    all_hosts = [parse_hosts(config(count, current), job) for current in range(count)]
    assert [hosts.leads for hosts in all_hosts] == [True] + [False] * (count - 1)
    assert {(hosts.leader, hosts.port, hosts.interface) for hosts in all_hosts} == {
        ("algo-1", all_hosts[0].port, "eth0")
    }


@given(st.text())
def test_ports_lie_below_those_that_the_system_gives_out(job: str) -> None:
    assert 1024 < parse_hosts(config(1, 0), job).port < 30_000


def test_the_facts_survive_the_environment() -> None:
    hosts = parse_hosts(config(2, 1), "job")
    assert hosts_of({HOSTS: hosts.to_json()}) == hosts
    assert hosts_of({}) is None
