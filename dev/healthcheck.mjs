// For the container: exit code 0 when this container's app reports ready. The image has neither curl nor wget.
const response = await fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).catch(() => undefined);
process.exit(response?.ok ? 0 : 1);
