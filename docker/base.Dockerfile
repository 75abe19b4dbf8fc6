# Runs every step on SageMaker: an AWS Deep Learning Container, and over it Python 3.11, requirements.txt and the code.
# What changes most often comes last, so that a change in the code leaves the layers of several GB as they are.

# The newest PyTorch container that the SageMaker SDK of requirements.txt knows: torch 2.8, Python 3.12, CUDA 12.9.
ARG BASE_IMAGE=763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.8.0-gpu-py312
FROM ${BASE_IMAGE}

ARG BASE_IMAGE
ARG UV_VERSION=0.13.8
ARG PYTHON_VERSION=3.11.18
# Unset, these two leave uv its defaults: Python from GitHub, torch from PyPI.
ARG UV_PYTHON_INSTALL_MIRROR
ARG UV_TORCH_BACKEND

LABEL org.opencontainers.image.title="finetune" \
      org.opencontainers.image.description="Fine-tuning experiments: steps of the ZenML pipelines" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"

# uv brings its own Python, with a checksum and without the system's packages: it works alike on the Ubuntu and the
# Amazon Linux containers, and leaves their Python 3.12, which AWS's own tools run on, alone.
RUN python3 -m pip install --no-cache-dir --target /opt/uv "uv==${UV_VERSION}" \
 && /opt/uv/bin/uv python install --no-cache --no-bin --compile-bytecode --install-dir /opt/python "${PYTHON_VERSION}" \
 && UV_PYTHON_INSTALL_DIR=/opt/python /opt/uv/bin/uv venv --python "${PYTHON_VERSION}" --managed-python /opt/venv

# LD_LIBRARY_PATH: only EFA and NCCL's EFA plugin stay. torch's wheels bring their own CUDA and cuDNN, which the
# container's older ones in /usr/local/cuda would displace.
# PYTHONDONTWRITEBYTECODE: the container sets it; code that ZenML unpacks at the start of a job is compiled once again.
# TOKENIZERS_PARALLELISM is no secret, which is what DL3064 reads into its name.
# hadolint ignore=DL3064
ENV VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:${PATH} \
    LD_LIBRARY_PATH=/opt/amazon/ofi-nccl/lib/x86_64-linux-gnu:/opt/amazon/ofi-nccl/lib:/opt/amazon/openmpi/lib:/opt/amazon/efa/lib:/usr/local/nvidia/lib64 \
    PYTHONPATH=/app:/app/docker/startup \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE= \
    TOKENIZERS_PARALLELISM=false \
    ZENML_CONFIG_PATH=/app/.zenconfig \
    ZENML_ENABLE_REPO_INIT_WARNINGS=false \
    ZENML_ANALYTICS_OPT_IN=false \
    HF_HUB_DISABLE_TELEMETRY=1 \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    WANDB_ERROR_REPORTING=false \
    OPT_OUT_TRACKING=true

# The SageMaker SDK takes this choice from a file only.
RUN mkdir -p /etc/xdg/sagemaker \
 && echo '{"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": true}}}}' \
    > /etc/xdg/sagemaker/config.yaml

RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    /opt/uv/bin/uv pip install --link-mode copy --compile-bytecode -r /tmp/requirements.txt

# The training jobs of a tuning job cannot name their command: SageMaker starts the program `train` of the image.
RUN printf '#!/bin/sh\nexec python -m operators.entrypoint\n' > /opt/venv/bin/train \
 && chmod 755 /opt/venv/bin/train

# /app is where ZenML starts; script mode writes into /opt/ml/code, which is why each place has a copy and no link.
WORKDIR /app
COPY . /app/
COPY . /opt/ml/code/
COPY . /opt/ml/processing/code/
RUN python -m compileall -q /app /opt/ml/code /opt/ml/processing/code \
 && install -m 755 /app/docker/serve /opt/venv/bin/serve

# Any other job names its command itself. The container's own entrypoint passes it through eval, which breaks quoted arguments.
HEALTHCHECK NONE
ENTRYPOINT []
CMD ["python"]
