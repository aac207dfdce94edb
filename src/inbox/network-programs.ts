/** Programs that are of no use without the network. */
const ALWAYS: ReadonlySet<string> = new Set(
  `curl wget wget2 aria2c http https xh httpie ssh scp sftp slogin mosh telnet nc ncat netcat socat ftp lftp tftp rsh rcp ping ping6 traceroute
  tracepath mtr dig nslookup host whois nmap gh glab hub az aws gcloud gsutil bq doctl heroku vercel netlify fly flyctl wrangler railway supabase
  firebase kubectl oc helm ansible ansible-playbook rclone s3cmd twine tailscale ngrok cloudflared lynx links elinks w3m youtube-dl yt-dlp sendmail mail
  mutt mosquitto_pub mosquitto_sub ssh-copy-id ssh-keyscan ntpdate skopeo crane oras websocat grpcurl rsyncd svn hg bzr`.split(
    /\s+/,
  ),
);

/** The words with which other programs reach the network. */
const WITH: Readonly<Record<string, RegExp>> = {
  openssl: /^(?:s_client|s_server|s_time|ocsp)$/,
  docker: /^(?:pull|push|login|search|build|buildx|run|compose|create)$/,
  podman: /^(?:pull|push|login|search|build|run|create)$/,
  buildah: /^(?:from|pull|push|bud|build)$/,
  'docker-compose': /^(?:pull|push|up|build|run)$/,
  terraform: /^(?:init|plan|apply|destroy|get|refresh|import)$/,
  tofu: /^(?:init|plan|apply|destroy|get|refresh|import)$/,
  psql: /^(?:-h|--host).*|^postgres(?:ql)?:/,
  mysql: /^(?:-h|--host)/,
  php: /^-S/,
  code: /^--install-extension/,
};

/** Whether a program is told to reach the network. */
export function reachesNetwork(name: string, args: readonly string[]): boolean {
  if (ALWAYS.has(name)) return !(args.length === 1 && /^(?:--version|--help|-V)$/.test(args[0] ?? ''));
  if (name === 'rsync')
    return args.some((arg) => /^(?:rsync|ssh):\/\/|^[^/\s-][^/\s]*:/.test(arg) || /^(?:-e|--rsh)/.test(arg));
  if (/^python[\d.]*$/.test(name)) return pythonServes(args);
  const telling = Object.hasOwn(WITH, name) ? WITH[name] : undefined;
  return telling !== undefined && args.some((arg) => telling.test(arg));
}

function pythonServes(args: readonly string[]): boolean {
  const module = args[args.indexOf('-m') + 1];
  return (
    args.includes('-m') &&
    module !== undefined &&
    /^(?:http\.server|smtplib|ftplib|urllib|webbrowser|uvicorn|gunicorn)/.test(module)
  );
}
