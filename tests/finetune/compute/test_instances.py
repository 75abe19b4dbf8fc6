import botocore.session

from finetune.compute.instances import TABLE, instances
from operators.refresh_instances import ARM


def test_every_type_that_the_service_knows_is_in_the_table_but_those_for_other_processors() -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    assert instances().keys() == set(service.shape_for("TrainingInstanceType").enum) - ARM


def test_the_table_says_when_it_was_written() -> None:
    assert TABLE.read_text(encoding="utf-8").startswith("# 20")


def test_known_types_have_their_known_sizes() -> None:
    assert (instances()["ml.g5.12xlarge"].gpus, instances()["ml.g5.12xlarge"].disk_gb) == (4, 3800)
    assert (instances()["ml.m5.large"].cpus, instances()["ml.m5.large"].memory_gib) == (2, 8)
    assert all(each.cpus > 0 and each.memory_gib > 0 for each in instances().values())
    assert (instances()["ml.g4dn.xlarge"].gpu, instances()["ml.p3.2xlarge"].gpu) == ("T4", "V100")
    assert all((each.gpus > 0) == (each.gpu_memory_gib > 0) == (each.gpu != "") for each in instances().values())
