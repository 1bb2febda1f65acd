// The clientside function that both apps of the page name.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    conformance: { joined: (value, clicks) => [`${value} and ${clicks}`, window.dash_clientside.no_update] },
});
