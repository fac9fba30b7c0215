import { readFileSync } from "node:fs";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { z } from "zod";
import { AdminError } from "../../../common/admin-access.ts";
import type { Dashboards } from "../dashboards/dashboards.ts";
import type { History } from "../history.ts";
import type { Reports } from "../reports.ts";
import type { Runbooks } from "../runbooks.ts";
import type { Trainer } from "../trainer.ts";
import { reportHeaders } from "./headers.ts";
import { sendText } from "./reply.ts";

/** Longest part of the history in one answer, ms. */
const windowLimitMs = 180_000;

const Window = z.object({ from: z.coerce.number(), to: z.coerce.number() });

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string | undefined>>,
  query: URLSearchParams,
) => void | Promise<void>;

/** The board's GET endpoints besides its page and its stream. */
export function apiRoutes(deps: {
  facts: { stack: string; make: string; version: string };
  history: History;
  dashboards: Dashboards;
  reports: Reports;
  runbooks: Runbooks;
  trainer: Trainer;
}): Record<string, Handler> {
  const { facts, history, dashboards, reports, runbooks, trainer } = deps;
  const json = (
    answer: (params: Record<string, string | undefined>, query: URLSearchParams, request: IncomingMessage) => unknown,
  ): Handler => {
    return async (request, response, params, query) => {
      const body = await answer(params, query, request);
      sendText(request, response, typeof body === "string" ? body : JSON.stringify(body));
    };
  };
  const file = (path: string | undefined, headers: OutgoingHttpHeaders): Handler => {
    return (request, response) => {
      if (path === undefined) throw new AdminError(404, "no such report");
      sendText(request, response, readFileSync(path, "utf8"), headers);
    };
  };
  return {
    "/api/facts": json(() => facts),
    "/api/history": json(() => history.seconds()),
    "/api/snapshots": json((_, query) => {
      const { from, to } = Window.parse(Object.fromEntries(query));
      return history.between(from, Math.min(to, from + windowLimitMs));
    }),
    "/api/dashboards": json(() => dashboards.list()),
    "/api/dashboards/:uid": json(({ uid }) => dashboards.board(uid ?? "")),
    "/api/dashboards/:uid/data": json(({ uid }, query) =>
      dashboards.data(uid ?? "", query.get("range") ?? "", query.get("replica") ?? ""),
    ),
    "/api/reports": json(() => reports.list()),
    "/reports/:id/report.html": (request, response, params, query) =>
      file(reports.page(params["id"] ?? ""), { ...reportHeaders, "content-type": "text/html; charset=utf-8" })(
        request,
        response,
        params,
        query,
      ),
    "/api/runbooks": json(() => runbooks.list()),
    "/api/runbooks/:name": json(({ name }) => runbooks.page(name ?? "")),
    "/api/trainer": json((_, query, request) => trainer.view(request, query.has("alone"))),
  };
}
