FROM python:3.11-slim
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && useradd --create-home chats && mkdir data && chown chats data
COPY app.py connect-chats.toml ./
COPY bot bot
COPY cards cards
COPY manifest manifest
USER chats
ENV HOST=0.0.0.0
EXPOSE 3978
VOLUME /app/data
HEALTHCHECK CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 3978)}/livez')"]
CMD ["python", "app.py"]
