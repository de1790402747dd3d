"use strict";

const { document: address } = document.getElementById("swagger-ui").dataset;

SwaggerUIBundle({
  url: new URL(address, window.location.href).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
});
