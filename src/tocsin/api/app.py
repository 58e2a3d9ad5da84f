"""The HTTP interface.

Everything under /api/v1 needs `Authorization: Bearer tocsin_<id>_<secret>`, or a session (cookie; unsafe methods then also need an
`Origin` of our own and `X-CSRF-Token`).

    POST /api/v1/alerts/{source}        take alerts in: a JSON object, a JSON array, or NDJSON; 202 {received, alerts, folded, runs, skipped, rejected, ids}
    GET  /api/v1/alerts                 ?status=&severity=&source=&verdict=&case=&text=&since=&until=&order=&limit=&after=  -> {items, next}
    GET  /api/v1/alerts/{id}
    POST /api/v1/alerts/{id}/close      {verdict, reason}
    GET  /api/v1/cases                  ?status=&severity=&owner=&text=&limit=&after=  -> {items, next}
    POST /api/v1/cases                  {title, severity?, tlp?, description?, alerts?, tags?, owner?} -> 201
    GET  /api/v1/cases/{id}             the case with `timeline`, `alerts`, `observables`
    POST /api/v1/cases/{id}/close       {verdict, reason}
    POST /api/v1/cases/{id}/notes       {text} -> 201
    GET  /api/v1/cases/{id}/report      HTML
    GET  /api/v1/runs                   ?status=&playbook=&alert=&case=&limit=&after=  -> {items, next}
    POST /api/v1/runs                   {playbook, inputs?, alert?} -> 201
    GET  /api/v1/runs/{id}
    GET  /api/v1/runs/{id}/timeline     {run, entries: [{at, path, title, kind, status, details, effect, attempt}]}
    GET  /api/v1/asks                   ?status=&run=&mine=&limit=&after=  -> {items, next}
    GET  /api/v1/asks/{id}              the ask with `answers`
    POST /api/v1/asks/{id}/answer       {answer, reason?, form?}
    GET  /api/v1/playbooks              {items}
    GET  /api/v1/playbooks/{id}         the published version with `text`
    PUT  /api/v1/playbooks/{id}         {text, publish?} -> {id, digest, published, diagnostics}
    GET  /api/v1/packs                  {items}
    GET  /api/v1/me
    GET  /api/v1/people                 {items}
    POST /api/v1/people                 {name, email, roles} -> 201
    POST /api/v1/people/{id}/keys       {name, roles?, expires_in?} -> 201 {id, token}, the only time that the token is shown
    DELETE /api/v1/people/{id}/keys/{key}
    GET  /api/v1/events                 server-sent events; Last-Event-ID

    GET  /health/live, /health/ready    public
    POST /hooks/{source}                signed by the vendor, or X-Tocsin-Secret
    GET  /feeds/{list}.{txt|rpz|json}   Bearer, or Basic with an API key as the password

    GET  /                              pages for people: sign in, asks to decide, cases, runs
    POST /signin, /signout
    GET  /asks/{id}                     shows; never decides
    POST /asks/{id}                     answer, reason, form.*, csrf or token
    GET  /cases/{id}, /runs/{id}
    GET  /api/docs, /api/openapi.json   public
"""
