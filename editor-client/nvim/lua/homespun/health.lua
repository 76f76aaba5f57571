--- `:checkhealth homespun`.
local M = {}

--- Say what is there and what is missing.
function M.check()
  local health, homespun = vim.health, require('homespun')
  health.start('homespun')
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim is too old', 'install 0.11 or newer')
  end
  local program = homespun.options.cmd[1]
  local root = vim.fs.root(0, '.git')
  if type(program) == 'string' and not require('homespun.paths').program(program, root) then
    health.error(
      ("'%s' is no program outside of this project"):format(program),
      "install homespun, or give its full path: setup({ cmd = { '…/bin/homespun', 'serve', '--stdio' } })"
    )
  end
  local clients = vim.lsp.get_clients({ name = 'homespun' })
  local sentences = require('homespun.restart').sentences()
  for _, sentence in ipairs(sentences) do
    health.error(sentence)
  end
  if #clients + #sentences == 0 then
    health.warn('no server runs', "call require('homespun').setup() and open a file of a project")
  end
  for _, client in ipairs(clients) do
    local state = homespun.state(next(client.attached_buffers)) or { state = 'starting', message = '' }
    local report = state.state == 'problem' and health.warn or health.ok
    report(('%s: %s %s'):format(client.root_dir or 'files outside of a project', state.state, state.message))
  end
end

return M
