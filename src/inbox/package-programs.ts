import type { ActionCategory } from '../contract/agent-spec.js';

/** What a package manager does, by the word that tells it. */
interface PackageProgram {
  /** Words with which it fetches or installs; `*`: any, and none. */
  readonly installs: ReadonlySet<string>;
  /** Options with which it installs. */
  readonly option?: RegExp;
  /** Without a word it installs too, as `yarn` does. */
  readonly bare?: boolean;
  /** Words with which it only talks to a registry. */
  readonly network?: ReadonlySet<string>;
  /** Words with which it removes, or takes back. */
  readonly removes?: ReadonlySet<string>;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const ALL = words('*');
const NONE: ReadonlySet<string> = new Set();

const NODE = {
  installs: words(
    'i in ins inst insta instal install isnt isnta isntal isntall add ci clean-install install-clean install-test it cit exec x dlx update up upgrade udpate init create innit import global fetch rebuild',
  ),
  network: words(
    'publish unpublish view info show v search login logout adduser outdated audit ping whoami owner access dist-tag deprecate star token',
  ),
  removes: words('unpublish uninstall un remove rm r unlink prune'),
};
const PIP = {
  installs: words('install download wheel sync'),
  network: words('index search'),
  removes: words('uninstall'),
};
const APT = {
  installs: words('install upgrade dist-upgrade full-upgrade update build-dep download source reinstall satisfy'),
  removes: words('remove purge autoremove autopurge'),
};
const YUM = {
  installs: words('install update upgrade reinstall localinstall groupinstall download in up'),
  removes: words('remove erase autoremove rm'),
};

const PROGRAMS: ReadonlyMap<string, PackageProgram> = new Map<string, PackageProgram>([
  ['npm', NODE],
  ['pnpm', NODE],
  ['yarn', { ...NODE, bare: true }],
  ['bun', NODE],
  ...['npx', 'pnpx', 'bunx', 'uvx', 'cpan', 'cpanm', 'easy_install', 'nix-shell', 'corepack'].map(
    (name) => [name, { installs: ALL, bare: true }] as const,
  ),
  ['dpkg', { installs: NONE, option: /^(?:-i|--install|--unpack)/, removes: words('-r -P --remove --purge') }],
  ['rpm', { installs: NONE, option: /^(?:-[iUF]|--install|--upgrade|--reinstall)/, removes: words('-e --erase') }],
  ['nix-env', { installs: NONE, option: /^(?:-[iu]|--install|--upgrade)/, removes: words('-e --uninstall') }],
  ...['pacman', 'yay', 'paru'].map(
    (name) => [name, { installs: NONE, option: /^-[SU]/, removes: words('-R -Rs -Rns') }] as const,
  ),
  ['deno', { installs: words('install add cache upgrade') }],
  ['pip', PIP],
  ['pipx', { installs: words('install run upgrade upgrade-all inject'), removes: words('uninstall uninstall-all') }],
  [
    'uv',
    { installs: words('add sync pip tool lock python self'), network: words('publish'), removes: words('remove') },
  ],
  ['poetry', { installs: words('add install update lock self'), network: words('publish'), removes: words('remove') }],
  ['pdm', { installs: words('add install update lock sync'), network: words('publish'), removes: words('remove') }],
  ['pipenv', { installs: words('install update sync lock upgrade'), removes: words('uninstall') }],
  ...['conda', 'mamba', 'micromamba'].map(
    (name) =>
      [
        name,
        { installs: words('install create update upgrade env'), removes: words('remove uninstall clean') },
      ] as const,
  ),
  ['apt', APT],
  ['apt-get', APT],
  ['aptitude', APT],
  ['apk', { installs: words('add upgrade update fix fetch'), removes: words('del') }],
  ...['dnf', 'yum', 'microdnf', 'zypper'].map((name) => [name, YUM] as const),
  [
    'brew',
    {
      installs: words('install upgrade reinstall tap update bundle fetch'),
      removes: words('uninstall remove rm untap cleanup'),
    },
  ],
  ...[
    'snap',
    'flatpak',
    'port',
    'vcpkg',
    'conan',
    'luarocks',
    'opam',
    'cabal',
    'stack',
    'nvm',
    'fnm',
    'volta',
    'asdf',
    'mise',
    'sdk',
    'rbenv',
    'pyenv',
    'pod',
  ].map(
    (name) =>
      [
        name,
        { installs: words('install update upgrade use refresh add'), removes: words('remove uninstall') },
      ] as const,
  ),
  [
    'cargo',
    { installs: words('install add update fetch binstall'), network: words('publish search login owner yank') },
  ],
  ['rustup', { installs: words('update install toolchain component target self'), removes: words('uninstall') }],
  ['go', { installs: words('install get mod') }],
  [
    'gem',
    {
      installs: words('install update fetch i'),
      network: words('push search'),
      removes: words('uninstall yank cleanup'),
    },
  ],
  ['bundle', { installs: words('install update add'), bare: true, removes: words('remove clean') }],
  ['bundler', { installs: words('install update add'), bare: true }],
  ['composer', { installs: words('install update require create-project global i u r'), removes: words('remove') }],
  ['dotnet', { installs: words('add restore tool workload'), network: words('nuget'), removes: words('remove') }],
  ['nuget', { installs: words('install restore update'), network: words('push') }],
  ['mix', { installs: words('deps.get deps.update archive.install escript.install local.hex local.rebar') }],
  ['dart', { installs: words('pub') }],
  ['flutter', { installs: words('pub upgrade') }],
  ['nix', { installs: words('profile shell run develop build flake') }],
]);

/** Whether what a program does depends on words that tell it so. */
export function isPackageProgram(name: string): boolean {
  return PROGRAMS.has(canonical(name));
}

/** What kind of action a call of a package manager is; none for another program. */
export function packageCategories(name: string, args: readonly string[]): ActionCategory[] {
  const program = PROGRAMS.get(canonical(name));
  if (program === undefined) return [];
  if (args.length === 1 && /^(?:--version|-v|-V|--help|-h|version|help)$/.test(args[0] ?? '')) return [];
  const told = tellingWords(args);
  const has = (among: ReadonlySet<string> | undefined): boolean => told.some((word) => among?.has(word) === true);
  const found: ActionCategory[] = [];
  const is_install =
    program.installs === ALL ||
    has(program.installs) ||
    args.some((arg) => program.option?.test(arg) === true) ||
    (program.bare === true && told.length === 0);
  if (is_install) found.push('package_install', 'network');
  if (has(program.network)) found.push('network');
  if (has(program.removes) || (program.option !== undefined && program.removes?.has(args[0] ?? '') === true))
    found.push('destructive');
  return found;
}

/** The word that says what to do. After options, which may have taken the first words for themselves, it may be any. */
function tellingWords(args: readonly string[]): string[] {
  const named = args.filter((arg) => !arg.startsWith('-'));
  return args[0]?.startsWith('-') === true ? named : named.slice(0, 1);
}

function canonical(name: string): string {
  return /^pip\d+(?:\.\d+)?$/.test(name) ? 'pip' : name;
}
