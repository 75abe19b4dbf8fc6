"""Service Quotas' list for SageMaker: what rehearsal/limits.py says, for every instance type that botocore knows."""

from functools import cache
from typing import Any

from rehearsal.jobs.checks import WARM_POOL
from rehearsal.limits import Limits
from rehearsal.paging import page

TARGET, LIST = "ServiceQuotasV20190624.", "ListServiceQuotas"
ENUMS = {
    "TrainingInstanceType": ("training job", "spot training job", WARM_POOL),
    "ProcessingInstanceType": ("processing job",),
    "ProductionVariantInstanceType": ("endpoint",),
    "TransformInstanceType": ("transform job",),
}
# What is unset in the limits is not limited, but for warm pools; an account's usual quota is shown for it.
SHOWN = 20


def list_quotas(limits: Limits, request: dict[str, Any]) -> dict[str, Any]:
    """Answers ListServiceQuotas."""
    names = sorted({*usual_names(), *limits.quotas}) if request.get("ServiceCode") == "sagemaker" else []
    values = {name: float(limits.quotas.get(name, _usual(name))) for name in names}
    rows = [{"QuotaName": name, "Value": value, "CreationTime": 0} for name, value in values.items()]
    answer = page(rows, {"MaxResults": 100, **request, "SortOrder": "Ascending"}, "Quotas", name="QuotaName")
    for row in answer["Quotas"]:
        del row["CreationTime"]
        row |= {"ServiceCode": "sagemaker", "Adjustable": True}
    return answer


def _usual(name: str) -> int:
    return 0 if WARM_POOL in name else SHOWN


@cache
def usual_names() -> list[str]:
    """`ml.m5.large for training job usage` and the like."""
    from botocore.session import get_session

    model = get_session().get_service_model("sagemaker")
    return [
        f"{instance} for {usage} usage"
        for enum, usages in ENUMS.items()
        for instance in model.shape_for(enum).enum
        for usage in usages
    ]
