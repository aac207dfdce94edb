/** Where the container's first program leaves the environment for the one that a person sees; in memory, and gone once that has read it. */
const ENVIRONMENT = '/run/filare-environment';
/** A named pipe that whoever made the container holds open: when that process ends, however it does, this ends and with it the container. */
export const LIFE_PIPE = 'life';

/** The container's first program. It keeps no variable itself: any program inside may read another's environment. */
export const HOLDER_SCRIPT = `#!/bin/bash -p
umask 077
/usr/bin/env -0 >${ENVIRONMENT}.part && /bin/mv ${ENVIRONMENT}.part ${ENVIRONMENT} || exit 74
exec -c /bin/cat /io/${LIFE_PIPE} >/dev/null
`;

/** Waits for the environment, takes it, and becomes the words after it. Variables that belong to the shell are left alone, as in docker/entry.sh. */
export const TAKE_ENVIRONMENT = `
for ((tries = 0; tries < 600; tries += 1)); do
  [[ -e ${ENVIRONMENT} ]] && break
  /bin/sleep 0.05
done
taken=()
while IFS= read -r -d '' one; do taken+=("$one"); done <${ENVIRONMENT} || exit 74
/bin/rm -f ${ENVIRONMENT}
for one in "\${taken[@]}"; do
  case \${one%%=*} in
    UID | EUID | PPID | BASHOPTS | SHELLOPTS | BASH_VERSINFO | SHLVL | _ | PWD | OLDPWD) ;;
    *) export "\${one?}" ;;
  esac
done
unset taken one tries FILARE_STAGE
exec "$@"
`;
