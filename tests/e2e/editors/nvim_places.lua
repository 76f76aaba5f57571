-- Prints as JSON what homespun.paths says of a workspace; tests/e2e/test_neovim_place.py builds it.
vim.opt.runtimepath:prepend(vim.env.HOMESPUN_NVIM_MODULE)
local paths = require('homespun.paths')
local asked = vim.json.decode(vim.env.HOMESPUN_ASKED)
local found = { folder = paths.folder(), programs = {}, roots = {} }
for _, path in ipairs(asked.paths) do
  vim.env.PATH = path
  local program = paths.program(asked.name, asked.root)
  table.insert(found.programs, program or vim.NIL)
end
vim.env.PATH = asked.paths[1]
found.home = paths.program(asked.name, vim.uv.os_homedir()) or vim.NIL
found.command = paths.command({ asked.name, 'serve' }, asked.root)
found.named = paths.program('./' .. asked.name, asked.root) or vim.NIL
for _, file in ipairs(asked.files) do
  local buffer = vim.fn.bufadd(file)
  table.insert(found.roots, paths.root(buffer) or vim.NIL)
end
print(vim.json.encode(found))
