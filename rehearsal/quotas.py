"""Service Quotas' list for SageMaker: what rehearsal/limits.py says, for every instance type that botocore knows."""

from functools import cache
from typing import Any

from rehearsal.limits import Limits
from rehearsal.paging import page

TARGET, LIST = "ServiceQuotasV20190624.", "ListServiceQuotas"
ENUMS = {"TrainingInstanceType": ("training job", "spot training job"), "ProcessingInstanceType": ("processing job",)}
# What is unset in the limits is not limited; an account's usual quota is shown for it.
SHOWN = 20


def list_quotas(limits: Limits, request: dict[str, Any]) -> dict[str, Any]:
    """Answers ListServiceQuotas."""
    names = sorted({*usual_names(), *limits.quotas}) if request.get("ServiceCode") == "sagemaker" else []
    rows = [{"QuotaName": name, "Value": float(limits.quotas.get(name, SHOWN)), "CreationTime": 0} for name in names]
    answer = page(rows, {"MaxResults": 100, **request, "SortOrder": "Ascending"}, "Quotas", name="QuotaName")
    for row in answer["Quotas"]:
        del row["CreationTime"]
        row |= {"ServiceCode": "sagemaker", "Adjustable": True}
    return answer


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
