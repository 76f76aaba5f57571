-- The init.lua of a person who uses the module as it comes, with a status line.
local here = vim.fs.dirname(vim.fs.abspath(debug.getinfo(1, 'S').source:sub(2)))
vim.opt.runtimepath:prepend(vim.fs.normalize(here .. '/../../../editor-client/nvim'))
require('homespun').setup({ ghost_text = vim.env.HOMESPUN_GHOST_TEXT })
vim.o.statusline = "%f %{v:lua.require'homespun'.status()}"
vim.o.laststatus = 2
