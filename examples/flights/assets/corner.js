// Shows, for each answer, where it came from and how long it took.
(() => {
    const SHOWN = 5;
    const WORDS = {
        page: ["page", "from this page's memory, nothing was sent"],
        browser: ["browser", "from the browser's cache, nothing was sent"],
        hit: ["server cache", "the server had the answer"],
        miss: ["computed", "the server computed the answer"],
    };
    const kind = ({ source, cacheStatus }) =>
        source !== "server" ? source : cacheStatus.includes("; hit") ? "hit" : "miss";
    const name = (output) => output.replace(/^\.\./, "").split(".")[0];
    const lines = [];

    document.addEventListener("ferrodash:answer", ({ detail }) => {
        const corner = document.getElementById("corner");
        if (!corner) {
            return;
        }
        const [word, title] = WORDS[kind(detail)];
        const line = document.createElement("div");
        line.className = `answer ${kind(detail)}`;
        line.title = title;
        for (const text of [name(detail.output), word, `${detail.milliseconds.toFixed(1)} ms`]) {
            line.appendChild(document.createElement("span")).textContent = text;
        }
        lines.unshift(line);
        lines.length = Math.min(lines.length, SHOWN);
        corner.replaceChildren(...lines);
    });
})();
