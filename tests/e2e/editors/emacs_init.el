;; The init file of a person who uses homespun.el as it comes.
(add-to-list 'load-path (expand-file-name "../../../editor-client/emacs" (file-name-directory load-file-name)))
(require 'homespun)
(homespun-mode)
