"""What an hour of a GPU was rented for, by provider and date, in dollars on demand for one GPU.

Each row was read on its date in the source named; prices of other days are not interpolated. Rents did not fall as
token prices did: Lambda's A100 80 GB cost 1.50 in March 2023 and 2.79 in September 2026.
"""

from dataclasses import dataclass

ARTICLE_GPU_HOURS = 24.0  # 3 hours on eight A100 80 GB
_CLOUD_GPUS = "history of github.com/cloud-gpus/cloud-gpus.github.io"


@dataclass(frozen=True)
class Rental:
    """One price read on one day."""

    date: str
    provider: str
    gpu: str
    usd_per_gpu_hour: float
    source: str


RENTALS = (
    Rental("2023-03-07", "FluidStack", "A100 80 GB", 1.49, _CLOUD_GPUS),
    Rental("2023-03-07", "Lambda", "A100 80 GB", 1.50, _CLOUD_GPUS),
    Rental("2023-03-07", "RunPod", "A100 80 GB", 1.89, _CLOUD_GPUS),
    Rental("2023-03-07", "DataCrunch", "A100 80 GB", 2.20, _CLOUD_GPUS),
    Rental("2023-03-07", "CoreWeave", "A100 80 GB", 2.21, _CLOUD_GPUS),
    Rental("2023-03-07", "Vultr", "A100 80 GB", 2.60, _CLOUD_GPUS),
    Rental("2023-03-07", "Paperspace", "A100 80 GB", 3.18, _CLOUD_GPUS),
    Rental("2023-03-07", "AWS p4de", "A100 80 GB", 5.12, _CLOUD_GPUS),
    Rental("2025-09-17", "Lambda", "A100 80 GB", 1.79, _CLOUD_GPUS),
    Rental("2026-08-06", "AWS p4de", "A100 80 GB", 3.43, "github.com/dstackai/dstack issue 4110"),
    Rental("2026-09-20", "Lambda", "A100 80 GB", 2.79, "github.com/api-evangelist/lambda-labs"),
    Rental("2026-11-09", "RunPod community", "A100 80 GB", 1.39, "RunPod price page"),
    Rental("2026-10-07", "RunPod", "H200 141 GB", 4.59, "RunPod price page"),
    Rental("2026-11-09", "RunPod", "H100 80 GB", 3.99, "RunPod price page"),
    Rental("2026-09-20", "Lambda", "H100 80 GB", 3.99, "github.com/api-evangelist/lambda-labs"),
)


def rentals(gpu: str, *, since: str = "", until: str = "9999") -> list[Rental]:
    """Prices of one kind of GPU read between two dates (inclusive, ISO), cheapest first."""
    chosen = [row for row in RENTALS if row.gpu == gpu and since <= row.date <= until]
    return sorted(chosen, key=lambda row: (row.usd_per_gpu_hour, row.provider))


def article_training_range(since: str = "", until: str = "9999") -> tuple[float, float]:
    """Cheapest and dearest bill for the article's 24 A100 hours at the prices of a period."""
    rows = rentals("A100 80 GB", since=since, until=until)
    return rows[0].usd_per_gpu_hour * ARTICLE_GPU_HOURS, rows[-1].usd_per_gpu_hour * ARTICLE_GPU_HOURS
