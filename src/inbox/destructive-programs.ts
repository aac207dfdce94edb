/** Programs that remove, overwrite or end things, whatever they are told. */
const ALWAYS: ReadonlySet<string> = new Set(
  `rm rmdir unlink shred srm dd truncate fdisk sfdisk cfdisk parted sgdisk wipefs mkswap blkdiscard killall pkill shutdown reboot halt poweroff userdel
  groupdel dropdb dropuser rimraf trash trash-put lvremove vgremove pvremove cryptsetup`.split(/\s+/),
);

/** The words with which other programs do so. */
const WITH: Readonly<Record<string, RegExp>> = {
  find: /^-delete$/,
  chmod: /^(?:-[a-zA-Z]*R[a-zA-Z]*|--recursive)$/,
  chown: /^(?:-[a-zA-Z]*R[a-zA-Z]*|--recursive)$/,
  chgrp: /^(?:-[a-zA-Z]*R[a-zA-Z]*|--recursive)$/,
  kill: /^-1$/,
  rsync: /^--(?:del|remove-source-files)/,
  crontab: /^-[a-zA-Z]*r/,
  docker: /^(?:rm|rmi|prune|kill|down)$/,
  podman: /^(?:rm|rmi|prune|kill)$/,
  'docker-compose': /^(?:rm|down|kill)$/,
  kubectl: /^(?:delete|drain|replace)$/,
  oc: /^delete$/,
  helm: /^(?:uninstall|delete|rollback)$/,
  terraform: /^(?:destroy|-destroy)$/,
  tofu: /^(?:destroy|-destroy)$/,
  gh: /^(?:delete|archive)$/,
  glab: /^delete$/,
  aws: /^(?:rm|rb|delete-.*|terminate-.*|--delete)$/,
  gsutil: /^(?:rm|rb)$/,
  gcloud: /^delete$/,
  rclone: /^(?:delete|deletefile|purge|cleanup|sync|move)$/,
  ip: /^(?:del|delete|flush)$/,
  iptables: /^(?:-F|-X|-D|--flush)$/,
  systemctl: /^(?:poweroff|reboot|halt|disable|mask)$/,
  'redis-cli': /^(?:flushall|flushdb|del)$/i,
};

const SQL: ReadonlySet<string> = new Set(
  'psql mysql mariadb sqlite3 sqlite duckdb clickhouse-client mongosh mongo cqlsh sqlcmd usql'.split(' '),
);
const LOSING_SQL = /\b(?:drop|truncate|delete\s+from|dropDatabase|deleteMany|deleteOne)\b/i;

/** Whether a program is told to remove, overwrite or end something that it did not make. */
export function isDestructive(name: string, args: readonly string[]): boolean {
  if (ALWAYS.has(name) || name.startsWith('mkfs')) return true;
  if (SQL.has(name)) return args.some((arg) => LOSING_SQL.test(arg));
  const telling = Object.hasOwn(WITH, name) ? WITH[name] : undefined;
  return telling !== undefined && args.some((arg) => telling.test(arg));
}
