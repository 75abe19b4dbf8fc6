# One experiment's image: the base, experiments/<name>/requirements.txt where there is one, and a user besides root.
ARG BASE
FROM ${BASE}

ARG EXPERIMENT
# root, because SageMaker mounts a job's folders as root's; RUN_AS=finetune wherever the mounts are yours.
ARG RUN_AS=root
ARG UV_TORCH_BACKEND

LABEL org.opencontainers.image.title="finetune ${EXPERIMENT}"

# 1000:100 is the pair that SageMaker Studio accepts beside root.
RUN useradd --non-unique --uid 1000 --gid 100 --create-home finetune \
 && chown -R 1000:100 /app /opt/ml

# The base's versions are constraints: an experiment adds packages, it moves none that the pipeline was tested with.
RUN --mount=type=cache,target=/root/.cache/uv \
    test -d "/app/experiments/${EXPERIMENT:?}" \
 && if [ -f "/app/experiments/${EXPERIMENT}/requirements.txt" ]; then \
      /opt/uv/bin/uv pip install --link-mode copy --compile-bytecode \
        --constraint /app/requirements.txt -r "/app/experiments/${EXPERIMENT}/requirements.txt"; \
    fi

USER ${RUN_AS}
