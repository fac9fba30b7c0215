# syntax-free on purpose: the classic frontend builds it too, where no registry can be reached for another one.
#
#   docker build --target proxy .        proxy · signaling · caller · guard · board · ops: one image a program
#
# No build step for the programs: Node 24 runs the TypeScript that is in the repository. Only the pages are built.
ARG IMAGE_NODE=node:24-trixie-slim

# All dependencies of the build. The same layer removes the runtime that npm installs for hosts with an old Node.
FROM ${IMAGE_NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund && rm -rf node_modules/node-linux-*
COPY common common
COPY client client
COPY web web
RUN node_modules/.bin/vite build web
COPY --chown=1000:1000 services/board services/board
RUN node_modules/.bin/vite build services/board/page

# Run-time dependencies. Optional packages stay, because they contain the native parts of node-datachannel.
FROM ${IMAGE_NODE} AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/node-linux-* && npm cache clean --force

FROM ${IMAGE_NODE} AS runtime
# The programs refuse an older Node. On a newer major version the proxy runs without its tuning.
LABEL hold-the-line.node.oldest="24.18.1" hold-the-line.node.tested="24"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app/node_modules node_modules
# The user that runs the programs owns the files. In a clone made under umask 077 no other user can read them.
COPY --chown=1000:1000 package.json ./
COPY --chown=1000:1000 common common
USER 1000:1000

FROM runtime AS proxy
# A volume that is mounted here takes the owner of this folder (PROXY_TABLE_FILE).
USER 0:0
RUN mkdir /var/lib/proxy && chown 1000:1000 /var/lib/proxy
USER 1000:1000
COPY --chown=1000:1000 proxy proxy
CMD ["sh", "proxy/start.sh"]

FROM runtime AS signaling
COPY --chown=1000:1000 services/signaling services/signaling
COPY --from=build /app/web/dist web/dist
# Bounds the young generation, like proxy/start.sh (docs/decisions/proxy-memory.md).
CMD ["node", "--max-semi-space-size=8", "services/signaling/main.ts"]

FROM runtime AS caller
COPY --chown=1000:1000 client client
COPY --chown=1000:1000 services/caller services/caller
CMD ["node", "services/caller/main.ts"]

FROM runtime AS guard
COPY --chown=1000:1000 services/guard services/guard
CMD ["node", "services/guard/main.ts"]

FROM runtime AS board
COPY --chown=1000:1000 services/board services/board
COPY --from=build /app/services/board/page/dist services/board/page/dist
COPY --chown=1000:1000 grafana/dashboards grafana/dashboards
COPY --chown=1000:1000 docs/runbooks docs/runbooks
CMD ["node", "services/board/main.ts"]

FROM runtime AS ops
USER 0:0
# The chart library for reports. It is large, and only this program uses it.
COPY --from=build /app/node_modules/echarts node_modules/echarts
COPY --from=build /app/node_modules/zrender node_modules/zrender
COPY ops ops
COPY prometheus prometheus
COPY .env.example ./
# Readable by any user, because make runs the CLI as its own user. The volume mounted at targets takes its mode.
RUN chmod -R a+rX package.json .env.example common ops prometheus && chmod 1777 prometheus/targets
ENTRYPOINT ["node", "ops/cli.ts"]
CMD ["--help"]
