// SPDX-License-Identifier: GPL-3.0-or-later
// Draws the fleet out of the JSON beside it. Whatever a host says goes into the page by textContent: there is no markup in it.
"use strict";
(() => {
  const fleet = JSON.parse(document.getElementById("fleet").textContent);
  const WIRE = ["nic", "bond", "vlan"];
  const KINDS = { nic: "NIC", vlan: "VLAN" };
  const COLOURS = 7;
  const wanted = { text: "", tenants: new Set(), vlan: "", wrong: false };
  const numbers = new Map(fleet.tenants.map((one) => [one.name, one.number]));

  // an element: its name and classes ("div.card"), its texts and children, its attributes
  function make(what, children = [], attributes = {}) {
    const [name, ...classes] = what.split(".");
    const element = document.createElement(name);
    element.classList.add(...classes);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...[children].flat().filter((one) => one !== null && one !== undefined && one !== ""));
    return element;
  }
  // text of others stands by itself, so that one that is written from the right turns nothing around it
  const said = (text, what = "bdi") => make(what, text);
  const button = (what, children, act, attributes = {}) => {
    const element = make(what.replace(/^button|^/, "button"), children, { type: "button", ...attributes });
    element.addEventListener("click", act);
    return element;
  };
  const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const isWrong = (node) => Boolean((node.mark && node.mark !== "unknown") || node.findings || node.health === "bad");

  const wrongOf = (host) => host.nodes.filter(isWrong).length;

  // --- the hosts, as graphs
  for (const host of fleet.hosts) {
    host.nodes ??= [];
    host.edges ??= [];
    for (const [number, node] of host.nodes.entries()) Object.assign(node, { number, host, up: [], down: [] });
    for (const [source, target, label, mark] of host.edges) {
      const edge = { source: host.nodes[source], target: host.nodes[target], label, mark };
      edge.source.down.push(edge);
      edge.target.up.push(edge);
    }
  }
  const guestsOf = (node) => node.down.map((edge) => edge.target).filter((one) => one.kind === "guest");
  // what a frame meets that leaves a node, the node first; of several wires each, and then the next device
  function way(node, seen = new Set()) {
    if (seen.has(node)) return [];
    seen.add(node);
    const further = node.up.map((edge) => way(edge.source, seen));
    return [node, ...further.map(([next]) => next).filter(Boolean), ...further.flatMap(([, ...rest]) => rest)];
  }
  // what is drawn as a tile of a host: each guest on each tap, each tap or port without a guest, each guest without a tap
  function tilesOf(host) {
    const found = [];
    for (const node of host.nodes) {
      if (node.kind === "tap" || node.kind === "port") {
        const guests = guestsOf(node);
        for (const guest of guests) found.push({ node: guest, tap: node });
        if (!guests.length) found.push({ node, tap: node });
      } else if (node.kind === "guest" && !node.up.length) found.push({ node, tap: null });
    }
    return found;
  }
  const bridgeOf = (tile) => (tile.tap ? tile.tap.up.map((edge) => edge.source) : []);

  // --- signs
  function sign(tenant) {
    const number = numbers.get(tenant);
    return make(`span.sign.t${number % COLOURS}`, fleet.signs[number % fleet.signs.length], { "aria-hidden": "true" });
  }
  function marks(node) {
    const found = [];
    if (node.mark) found.push(make(`span.mark.${node.mark}`, node.mark));
    if (node.findings) found.push(make("span.mark.found", counted(node.findings.length, "finding")));
    return found;
  }
  const classes = (node) => [node.kind, node.health, node.mark].filter(Boolean).map((one) => `.${one}`).join("");

  // --- a host's card
  function chip(node) {
    const fact = (wanted) => (node.facts || []).find(([label]) => label === wanted);
    const [speed, heard] = [fact("Speed"), fact("LLDP neighbour")];
    return button(`.chip${classes(node)}`, [said(node.name), speed && make("small", speed[1]), heard && make("small.heard", ["⇄ ", said(heard[1])]), node.health !== "good" && !node.mark && node.state !== "up" ? make("small", node.state) : "",
      ...marks(node)], () => show(node));
  }
  // characters, each chip's edges and line counted as four; a chip's words may stand below one another, but its name and each of its marks is whole
  const ROW = 32;
  const room = (node) => Math.max(node.name.length, ...marks(node).map((one) => one.textContent.length)) + 4;
  function wires(bridge) {
    let longest = 0;
    const chains = bridge.up.map((edge) => {
      const links = [];
      let length = room(bridge);
      for (let at = edge.source; at && links.length < 9; at = at.up.length === 1 ? at.up[0].source : null) {
        links.unshift(chip(at));
        length += room(at) + (at.up.length > 1 ? Math.max(...at.up.map((one) => room(one.source))) : 0);
        if (at.up.length > 1) {
          links.unshift(make("span.several", at.up.map((one) => chip(one.source))));
          break;
        }
      }
      longest = Math.max(longest, length);
      return make(`span.chain${edge.mark ? `.${edge.mark}` : ""}`, links);
    });
    return make(`div.way${longest > ROW ? ".long" : ""}`, [chains.length ? make("span.several", chains) : make("small.nothing", "no uplink"), chip(bridge)]);
  }
  function tile(one) {
    const { node, tap } = one;
    const worst = tap && !isWrong(node) && isWrong(tap) ? tap : node;
    const words = [node.kind, node.name, node.tenant ? `tenant ${node.tenant}` : "", node.state, node.mark, worst === node ? "" : `its tap ${worst.mark || worst.state}`,
      (node.vlans || []).length ? `VLAN ${node.vlans}` : ""];
    const element = button(`.tile${classes(node)}${worst === node ? "" : ".differs"}`, [
      node.tenant ? sign(node.tenant) : node.kind === "guest" && !fleet.tenants.length ? "" : make(`span.sign${node.kind === "guest" ? "" : ".free"}`, [], { "aria-hidden": "true" }),
      said(node.name, "bdi"),
      (node.vlans || []).length && !node.mark ? make("small", node.vlans.length > 2 ? `${node.vlans.length} VLANs` : node.vlans.join(" ")) : "",
      ...(isWrong(worst) ? [make("span.flag", { missing: "−", surplus: "+", differs: "Δ" }[worst.mark] || "!", { "aria-hidden": "true" })] : []),
    ], () => show(node, tap), { title: words.filter(Boolean).join(", "), tabindex: "-1" });
    element.setAttribute("aria-label", words.filter(Boolean).join(", "));
    const near = [node, tap, ...bridgeOf(one)].filter(Boolean);
    one.words = near.flatMap((at) => [at.name, at.state, at.mark, at.tenant, ...(at.kind === "bridge" ? [] : (at.facts || []).map(([, value]) => value))])
      .filter(Boolean).join("\n").toLowerCase();
    one.tenant = node.tenant || (tap && tap.tenant);
    one.vlans = new Set([...(node.vlans || []), ...((tap && tap.vlans) || [])]);
    one.wrong = near.some(isWrong);
    one.element = element;
    return element;
  }
  function card(host) {
    host.tiles = tilesOf(host);
    const bridges = host.nodes.filter((node) => node.kind === "bridge");
    const guests = host.nodes.filter((node) => node.kind === "guest").length;
    const bad = wrongOf(host);
    const head = make("header", [
      button(".name", said(host.name), () => showHost(host), { "aria-label": `Details of ${host.name}` }),
      make("small", [counted(bridges.length, "bridge"), counted(guests, "guest")].join(", ")),
      bad ? make("span.mark.found", `${bad} to look at`) : "",
    ]);
    const parts = bridges.map((bridge) => {
      const mine = host.tiles.filter((one) => bridgeOf(one).includes(bridge));
      return make("section.bridge", [wires(bridge), mine.length ? make("div.tiles", mine.map(tile), { role: "group", "aria-label": `On ${bridge.name}` })
        : make("small.nothing", "nobody is on this bridge")]);
    });
    const loose = host.tiles.filter((one) => !one.element);
    if (loose.length) parts.push(make("section.bridge", [make("small.nothing", "on no bridge"), make("div.tiles", loose.map(tile), { role: "group", "aria-label": "On no bridge" })]));
    host.words = [host.name, host.trouble, ...bridges.map((one) => one.name), ...host.nodes.filter((one) => WIRE.includes(one.kind)).map((one) => one.name)]
      .filter(Boolean).join("\n").toLowerCase();
    host.element = make("article.card", [head, host.trouble ? make("p.trouble", said(host.trouble)) : "", ...parts]);
    for (const group of host.element.querySelectorAll(".tiles")) {
      group.firstElementChild.tabIndex = 0;
      // in characters: the browser makes columns of it
      group.style.setProperty("--longest", Math.max(...[...group.querySelectorAll("bdi")].map((one) => one.textContent.length)));
    }
    return host.element;
  }
  // arrows walk among the tiles of a group: one stop of the tab key for each
  function walk(event) {
    const group = event.target.closest(".tiles");
    if (!group || !/^(Arrow|Home$|End$)/.test(event.key)) return;
    const all = [...group.children].filter((one) => !one.hidden);
    const at = all.indexOf(event.target);
    const columns = all.filter((one) => one.offsetTop === all[0].offsetTop).length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: all.length - 1 - at };
    const next = all[at + (steps[event.key] ?? 0)];
    if (!next) return;
    event.preventDefault();
    for (const one of all) one.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  // --- details
  const dialog = make("dialog", [], { "aria-labelledby": "details" });
  function open(title, body) {
    const close = button(".close", "Close", () => dialog.close());
    dialog.replaceChildren(make("header", [make("h2", title, { id: "details" }), close]), make("div.body", body));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    close.focus();
  }
  function step(node) {
    const facts = (node.facts || []).flatMap(([label, value]) => [make("dt", label), make("dd", said(value))]);
    const tenant = node.tenant ? [make("dt", "Tenant"), make("dd", [sign(node.tenant), " ", said(node.tenant)])] : [];
    const findings = (node.findings || []).map((one) => make(`li.${one.severity === "error" ? "error" : "warning"}`, [make("span.severity", `${one.severity}: `), said(one.finding), one.evidence ? make("small.evidence", said(one.evidence)) : "",
      one.cure ? make("pre.cure", one.cure.trim()) : ""]));
    return make(`li.step${classes(node)}`, [
      make("div.title", [make("small", KINDS[node.kind] || node.kind), said(node.name, "strong"), make("span.state", node.state || ""), ...marks(node)]),
      findings.length ? make("ul.findings", findings) : "",
      facts.length || tenant.length ? make("dl", [...tenant, ...facts]) : "",
    ]);
  }
  function show(node, tap) {
    const nodes = [...new Set([node, ...way(tap || node)])];
    const steps = nodes.flatMap((one) => {
      const edge = one.down.find((at) => nodes.includes(at.target));
      const label = edge && [edge.label, edge.mark].filter(Boolean).join(", ");
      return [label ? make(`li.between${edge.mark ? `.${edge.mark}` : ""}`, said(label)) : null, step(one)];
    });
    open([said(node.name), make("small", [" on ", said(node.host.name)])], make("ol.path", steps));
  }
  function showHost(host) {
    const order = ["nic", "bond", "vlan", "bridge", "tap", "port", "guest"];
    const line = (node) => make(`tr${classes(node)}`, [
      make("td", KINDS[node.kind] || node.kind),
      make("td", button(".link", [node.tenant ? sign(node.tenant) : "", " ", said(node.name)], () => show(node))),
      make("td", [node.state || "", " ", ...marks(node)]),
      make("td", node.up.map((edge) => make("span.from", [said(edge.source.name), edge.label ? make("small", [" ", said(edge.label)]) : "", edge.mark ? make(`span.mark.${edge.mark}`, edge.mark) : ""]))),
    ]);
    const rows = order.flatMap((kind) => host.nodes.filter((node) => node.kind === kind)).map(line);
    open(said(host.name), [
      host.trouble ? make("p.trouble", said(host.trouble)) : "",
      rows.length ? make("div.scroll", make("table", [make("thead", make("tr", ["What", "Name", "State", "Comes from"].map((one) => make("th", one, { scope: "col" })))), make("tbody", rows)])) : make("p", "Nothing is known of it."),
    ]);
  }

  // --- search and filters
  const told = make("output.told", "", { role: "status" });
  const empty = make("p.empty", "Nothing here is like that: take a filter away, or search for less of the name.", { hidden: "" });
  function fits(one, host) {
    return (!wanted.text || one.words.includes(wanted.text) || host.words.includes(wanted.text))
      && (!wanted.tenants.size || wanted.tenants.has(one.tenant))
      && (!wanted.vlan || one.vlans.has(wanted.vlan))
      && (!wanted.wrong || one.wrong);
  }
  function filter() {
    let tiles = 0;
    let hosts = 0;
    let all = 0;
    const every = !wanted.text && !wanted.tenants.size && !wanted.vlan && !wanted.wrong;
    for (const host of fleet.hosts) {
      let here = 0;
      for (const one of host.tiles) {
        const fit = every || fits(one, host);
        one.element.hidden = !fit;
        here += fit;
      }
      for (const group of host.element.querySelectorAll(".tiles")) {
        const left = [...group.children].filter((one) => !one.hidden);
        if (left.length && !left.some((one) => one.tabIndex === 0)) left[0].tabIndex = 0;
      }
      const alone = !wanted.tenants.size && !wanted.vlan && (!wanted.text || host.words.includes(wanted.text))
        && (!wanted.wrong || host.trouble || host.nodes.some(isWrong));
      host.element.hidden = !(every || here || alone);
      hosts += !host.element.hidden;
      tiles += here;
      all += host.tiles.length;
    }
    empty.hidden = hosts > 0;
    told.textContent = every ? `${all} guests and free taps shown` : `${tiles} of ${all} shown, on ${counted(hosts, "host")}`;
  }
  function tenantButton(tenant) {
    const element = button(".tenant", [sign(tenant.name), " ", said(tenant.name)], () => {
      const on = !wanted.tenants.delete(tenant.name);
      if (on) wanted.tenants.add(tenant.name);
      element.setAttribute("aria-pressed", String(on));
      filter();
    }, { "aria-pressed": "false" });
    return element;
  }
  const search = make("input", [], { type: "search", placeholder: "Search a name, a MAC, an address   ( / )", "aria-label": "Search" });
  search.addEventListener("input", () => {
    wanted.text = search.value.trim().toLowerCase();
    filter();
  });
  const vids = [...new Set(fleet.hosts.flatMap((host) => host.nodes.flatMap((node) => node.vlans || [])))].sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
  const vlans = make("select", [make("option", "All VLANs", { value: "" }), ...vids.map((one) => make("option", `VLAN ${one}`, { value: one }))], { "aria-label": "VLAN" });
  vlans.addEventListener("change", () => {
    wanted.vlan = vlans.value;
    filter();
  });
  const wrong = button(".tenant", "Only what to look at", () => {
    wanted.wrong = !wanted.wrong;
    wrong.setAttribute("aria-pressed", String(wanted.wrong));
    filter();
  }, { "aria-pressed": "false" });
  const theme = button(".tenant", "Light or dark", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      search.focus();
    }
    walk(event);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  // --- the page
  const guests = fleet.hosts.flatMap((host) => host.nodes).filter((node) => node.kind === "guest").length;
  const silent = fleet.hosts.filter((host) => host.trouble).length;
  const toSee = fleet.hosts.reduce((sum, host) => sum + wrongOf(host), 0);
  const legend = make("footer", [
    make("span.tile.good", ["running ", make("small", "its VLAN")]), make("span.tile.idle", "stopped, silent, or a tap that nobody holds"), make("span.tile.bad", "! in trouble"), make("span.tile.good", "! something found"),
    make("span.tile.missing", "− missing"), make("span.tile.unknown", "on a host that did not answer"), make("span.tile.surplus", "+ surplus"), make("span.tile.differs", "Δ other than wished"),
  ]);
  document.body.append(
    make("header.top", [
      make("div.line", [make("h1", "Network topology"), make("p", [counted(fleet.hosts.length, "host"), counted(guests, "guest"), silent ? `${counted(silent, "host")} in trouble` : "", toSee ? `${toSee} to look at` : ""].filter(Boolean).join(", "))]),
      make("div.line.tools", [search, vids.length ? vlans : "", wrong, theme, told]),
      fleet.tenants.length ? make("div.line.tools", fleet.tenants.map(tenantButton), { role: "group", "aria-label": "Tenants" }) : "",
      legend,
    ]),
    make("main", fleet.hosts.map(card)),
    empty,
    dialog,
  );
  filter();
})();
