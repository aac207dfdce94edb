/** What an agent's id, and a role, may be: it stands in names of containers, folders and branches. Hints say it in words. */
export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;
