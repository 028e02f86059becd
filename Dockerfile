# One image for every process of Tidemark; the command chooses which (docker-compose.yml).
ARG NODE_VERSION=20.20.2

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The embedded PostgreSQL is for running without Docker: neither its binaries nor any install script is wanted here.
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY apps apps
COPY libs libs
COPY migrations migrations
COPY dev dev
COPY bench bench
# The compiler's own packages are needed for the build alone; what is left runs in production.
RUN npx tsc -p tsconfig.build.json && rm -f dist/.tsbuildinfo \
    && npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY dev/healthcheck.mjs dev/healthcheck.mjs
# The gateway simulator keeps its book here; a volume mounted on it takes over the owner.
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 8080
# Apps listen on 8080 in a container unless told otherwise. Behind a load balancer the APIs need SHUTDOWN_DRAIN_MS as well, which only who
# sets that up can know: docs/runbooks/deploy-and-roll-back.md.
ENV HOST=0.0.0.0 PORT=8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=5 CMD ["node", "dev/healthcheck.mjs"]
# The bound keeps V8 from letting garbage grow to several times what lives: see dev/apps.ts.
CMD ["node", "--max-old-space-size=512", "dist/apps/command-api/main.js"]
