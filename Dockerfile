# The app in a container: docker compose up, then http://localhost:8501. See docs/deploy.md.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# A container has no screen: OpenCV without windows needs no system libraries.
COPY requirements-detect.txt requirements-app.txt ./
RUN sed -i 's/^opencv-python\b/opencv-python-headless/' requirements-detect.txt \
    && pip install -r requirements-app.txt

COPY face_detector ./face_detector
COPY mask_detector ./mask_detector
COPY mask_app ./mask_app
COPY .streamlit ./.streamlit
COPY examples ./examples
COPY docs/model-card.md ./docs/model-card.md
COPY app.py detect_mask_video.py mask_detector.model mask_detector_3.model ./

RUN useradd --create-home --uid 10001 app
USER 10001
# Threads share their memory, so that it stays where it was after many starts of the camera.
ENV MALLOC_ARENA_MAX=2
# Inside the container only: compose.yaml says who reaches it from outside.
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0
EXPOSE 8501
HEALTHCHECK --start-period=20s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://localhost:8501/_stcore/health', timeout=3)"]
CMD ["python", "-m", "streamlit", "run", "app.py"]
