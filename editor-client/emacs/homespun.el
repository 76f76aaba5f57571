;;; homespun.el --- Code completion that knows this repository  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (lsp-mode "10.0.0"))
;; Keywords: convenience, languages, tools
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Ghost text of the language server homespun, and the commands that look behind it.
;; Install homespun, run `homespun models fetch' (docs/editors.md) and
;; M-x package-install RET lsp-mode, put this file in a folder of `load-path', and in the init file:
;;
;;     (require 'homespun)
;;     (homespun-mode)
;;
;; Ghost text comes when you pause.  TAB or C-RET accepts it, M-<right> a word of it, C-M-<right>
;; a line, C-g dismisses it, M-x lsp-inline-completion-display asks now.
;; M-x homespun- and TAB lists the commands.

;;; Code:

(require 'cl-lib)
(require 'ht)
(require 'lsp-mode)
(require 'lsp-inline-completion)
(require 'map)
(require 'seq)
(require 'subr-x)
(require 'xref)

(defgroup homespun nil
  "Code completion that knows this repository."
  :group 'tools
  :prefix "homespun-")

(defcustom homespun-command '("homespun" "serve" "--stdio")
  "The command that starts the language server."
  :type '(repeat string))

(defcustom homespun-settings nil
  "Settings of the server, what homespun.toml may say, in camelCase.
For example (:completion (:maxTokens 32)).  Read when the server starts."
  :type 'plist)

(lsp-defcustom homespun-adapter nil
  "The adapter that serves; nil takes what homespun.toml says.
See `homespun-adapters' for what there is."
  :type '(choice (const :tag "As homespun.toml says" nil) string)
  :group 'homespun
  :package-version '(homespun . "0.1.0")
  :lsp-path "homespun.completion.adapter")

(defcustom homespun-disabled-modes nil
  "Major modes, also parents of such, in which homespun does not run."
  :type '(repeat symbol))

(defcustom homespun-idle-delay 0.1
  "What `homespun-mode' sets `lsp-inline-completion-idle-delay' to, in seconds.
Nil leaves that alone; its 2 s are more than the server needs.
`lsp-idle-delay' (0.5 s) comes on top; it is the pause of all else that
lsp-mode does too, so it is yours to change."
  :type '(choice (const :tag "Leave it alone" nil) number))

(defvar homespun--states (make-hash-table :test #'eq :weakness 'key)
  "What the server of a workspace said last of how it is.")

(cl-defstruct homespun--fall
  "What is known of the server of a folder that died."
  (deaths nil)                          ; when, in seconds
  (buffers nil)                         ; which wait for it
  (timer nil)
  (sentence nil)                        ; nil where it is up again
  (is-final nil))                       ; it is not started again

(defvar homespun--falls (make-hash-table :test #'equal)
  "The fallen servers: folder -> `homespun--fall'.")

(defconst homespun--max-deaths 5)
(defconst homespun--window (* 3 60) "In seconds.")

;;; The server

(defun homespun--is-disabled (mode)
  "Say whether homespun does not run in the major mode MODE."
  (and homespun-disabled-modes (apply #'provided-mode-derived-p mode homespun-disabled-modes)))

(defun homespun--on-status (workspace state)
  "Remember the STATE of WORKSPACE and show it."
  (when-let ((fall (gethash (lsp--workspace-root workspace) homespun--falls)))
    (setf (homespun--fall-sentence fall) nil))
  (puthash workspace state homespun--states)
  (force-mode-line-update t))

(defun homespun--is-outside (file root)
  "Say whether FILE lies outside of ROOT, as it is named and where links lead.
A home folder, or one above, is no project: the user's programs are there."
  (or (file-in-directory-p "~" root)
      (not (or (file-in-directory-p (file-truename file) root)
               (file-in-directory-p (file-name-directory file) root)))))

(defun homespun--program (name)
  "Return the full path of the program NAME, nil where there is none.
One that is given by its name is the first of `exec-path' outside of
the project here: no folder that is opened brings a program."
  (cond
   ((file-name-absolute-p name) (expand-file-name name))
   ((file-name-directory name) nil)
   (t (let ((root (or (locate-dominating-file default-directory ".git") default-directory)))
        (seq-some (lambda (folder)
                    (when (and folder (file-name-absolute-p folder))
                      (let ((file (expand-file-name
                                   (concat name (when (eq system-type 'windows-nt) ".exe"))
                                   folder)))
                        (and (file-regular-p file)
                             (file-executable-p file)
                             (homespun--is-outside file root)
                             file))))
                  exec-path)))))

(defun homespun--command ()
  "Return what to start, one that is not there where there is no such program."
  (cons (or (homespun--program (car homespun-command))
            (expand-file-name (concat "none/" (car homespun-command)) user-emacs-directory))
        (cdr homespun-command)))

(lsp-register-client
 (make-lsp-client
  :server-id 'homespun
  :new-connection (lsp-stdio-connection #'homespun--command)
  ;; It is started in the project, and Python looks for modules where it is started.
  :environment-fn (lambda () '(("PYTHONSAFEPATH" . "1")))
  :activation-fn (lambda (file mode)    ; every language
                   (not (or (homespun--is-disabled mode) (homespun--given-up file))))
  :add-on? t                            ; beside the language's own server
  :initialization-options (lambda () homespun-settings)
  :synchronize-sections '("homespun")
  :custom-capabilities '((experimental . ((homespun . ((status . t))))))
  :notification-handlers (ht ("homespun/status" #'homespun--on-status))
  ;; Without this, lsp-mode would ask every server of the buffer to run the command.
  :action-handlers (ht ("homespun.accepted" #'homespun--on-accepted))))

(defun homespun--workspace ()
  "Return the workspace of homespun in this buffer, nil where it does not run."
  (seq-find (lambda (workspace)
              (eq (lsp--client-server-id (lsp--workspace-client workspace)) 'homespun))
            (lsp-workspaces)))

(defun homespun--on-accepted (action)
  "Tell the server that the item with the command ACTION was accepted."
  (when-let ((workspace (homespun--workspace)))
    (with-lsp-workspace workspace
      (lsp-request-async "workspace/executeCommand"
                         (list :command (lsp-get action :command)
                               :arguments (lsp-get action :arguments))
                         #'ignore
                         :mode 'detached
                         :error-handler #'ignore)))) ; a figure is lost, no work

(defun homespun--run (command &rest given)
  "Have the server run COMMAND with what is GIVEN; its answer is not waited for."
  (when-let ((workspace (homespun--workspace)))
    (with-lsp-workspace workspace
      (lsp-request-async "workspace/executeCommand"
                         (list :command command :arguments (vconcat given))
                         #'ignore
                         :mode 'detached
                         :error-handler #'ignore))))

(defun homespun--knows (workspace command)
  "Say whether the server of WORKSPACE has COMMAND."
  (seq-contains-p
   (lsp-get (lsp-get (lsp--workspace-server-capabilities workspace) :executeCommandProvider)
            :commands)
   command))

(defun homespun--failure (answer)
  "Return the sentence of an ANSWER that holds nothing else."
  (and answer
       (not (vectorp answer))
       (= 1 (if (hash-table-p answer) (hash-table-count answer) (/ (length answer) 2)))
       (lsp-get answer :message)))

(defun homespun--await (workspace command arguments)
  "Have the server of WORKSPACE run COMMAND with ARGUMENTS; return its answer.
Like `lsp-request', which however loses what arrives together with the
answer: a change of the status, say."
  (let ((deadline (+ (float-time) (or lsp-response-timeout 3600)))
        answer failure is-done)
    (with-lsp-workspace workspace
      (lsp-request-async "workspace/executeCommand"
                         (append (list :command command)
                                 (and arguments (list :arguments (vconcat arguments))))
                         (lambda (result) (setq answer result is-done t))
                         :mode 'detached
                         :error-handler (lambda (error) (setq failure error is-done t))))
    (while (not is-done)
      (when (> (float-time) deadline)
        (user-error "The server has not answered %s" command))
      (accept-process-output nil 0.1))
    (when failure
      (user-error "Homespun: %s" (lsp-get failure :message)))
    answer))

(defun homespun--some-workspace ()
  "Return the workspace of homespun here, or any: commands also come from lists."
  (or (homespun--workspace)
      (when-let ((fall (homespun--fallen)))
        (user-error "Homespun: %s" (homespun--fall-sentence fall)))
      (lsp-find-workspace 'homespun)
      (user-error "No server of homespun runs; M-x lsp starts it")))

(defun homespun--request (command &rest arguments)
  "Have the server run COMMAND with ARGUMENTS; return its answer."
  (let ((workspace (homespun--some-workspace)))
    (unless (homespun--knows workspace command)
      (user-error "The server does not know %s; install a newer homespun" command))
    (let* ((answer (homespun--await workspace command arguments))
           (sentence (homespun--failure answer)))
      (when sentence
        (user-error "Homespun: %s" sentence))
      answer)))

(defun homespun--request-state (command &rest arguments)
  "Have the server run COMMAND with ARGUMENTS and return its answer.
That is how it is now, so the mode line shows it."
  (let ((state (apply #'homespun--request command arguments)))
    (homespun--on-status (homespun--some-workspace) state)
    state))

;;; A server that died

(defun homespun--given-up (file)
  "Return the fall of the server of FILE that is not started again, or nil."
  (let (found)
    (maphash (lambda (root fall)
               (when (and (homespun--fall-is-final fall)
                          (string-prefix-p (file-name-as-directory (expand-file-name root))
                                           (expand-file-name file)))
                 (setq found fall)))
             homespun--falls)
    found))

(defun homespun--fallen ()
  "Return the fall of the server of this buffer that is not up again, or nil."
  (seq-find (lambda (fall)
              (and (homespun--fall-sentence fall)
                   (memq (current-buffer) (homespun--fall-buffers fall))))
            (map-values homespun--falls)))

(defun homespun--on-exit (workspace)
  "Start the server of WORKSPACE again if it died.
After 1, 2, 4 and 8 s; at the fifth death in three minutes no more.
What lsp-mode would ask would take the keys that are being typed."
  (when (eq (lsp--client-server-id (lsp--workspace-client workspace)) 'homespun)
    (let ((root (lsp--workspace-root workspace)))
      (cond ((lsp--workspace-shutdown-action workspace) ; somebody asked for it
             (remhash root homespun--falls))
            ((not (eq lsp-restart 'ignore))
             (setf (lsp--workspace-shutdown-action workspace) 'shutdown)
             (homespun--on-death root (lsp--workspace-buffers workspace)))))))

(defun homespun--on-death (root buffers)
  "Note that the server of ROOT died, and have it started again for BUFFERS."
  (let* ((fall (or (gethash root homespun--falls)
                   (puthash root (make-homespun--fall) homespun--falls)))
         (now (float-time))
         (deaths (cons now (seq-filter (lambda (time) (< (- now time) homespun--window))
                                       (homespun--fall-deaths fall))))
         (delay (expt 2 (1- (length deaths)))))
    (setf (homespun--fall-deaths fall) deaths
          (homespun--fall-buffers fall) (seq-union buffers (homespun--fall-buffers fall)))
    (if (< (length deaths) homespun--max-deaths)
        (setf (homespun--fall-sentence fall)
              (format "the server ended and is started again in %d s" delay)
              (homespun--fall-timer fall)
              (run-at-time delay nil #'homespun--start-again fall))
      (setf (homespun--fall-sentence fall)
            (concat "the server failed five times in three minutes and is not started again; "
                    "M-x homespun-log says why, M-x homespun-restart starts it")
            (homespun--fall-is-final fall) t)
      (run-at-time 0 nil #'message "Homespun: %s" (homespun--fall-sentence fall)))
    (force-mode-line-update t)))

(defun homespun--start-again (fall)
  "Start the server of FALL."
  (dolist (buffer (homespun--fall-buffers fall))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (lsp-deferred))))
  (setf (homespun--fall-buffers fall) nil))

(defun homespun-restart ()
  "Start the servers that died again, or that of this buffer.
Former deaths no longer count."
  (interactive)
  (let ((falls (map-values homespun--falls)))
    (clrhash homespun--falls)
    (dolist (fall falls)
      (when (homespun--fall-timer fall)
        (cancel-timer (homespun--fall-timer fall)))
      (homespun--start-again fall))
    (let ((workspace (homespun--workspace)))
      (cond (workspace (lsp-workspace-restart workspace))
            (buffer-file-name (homespun--start))))))

;;; What it says of itself

(defun homespun--clock (seconds)
  "Write a time, SECONDS since 1970, as hours and minutes."
  (format-time-string "%H:%M" seconds))

(defun homespun--state-words (state)
  "Write STATE in a few words."
  (let ((name (lsp-get state :state))
        (percent (lsp-get state :percent))
        (until (lsp-get state :pausedUntil)))
    (concat name
            (and percent (format " %d %%" percent))
            (and until (concat " until " (homespun--clock until))))))

(defun homespun-mode-line ()
  "Return what the mode line says: nothing in buffers without homespun."
  (let* ((workspace (homespun--workspace))
         (state (and workspace (gethash workspace homespun--states)))
         (fall (and (not workspace) (homespun--fallen)))
         (words (cond (state (homespun--state-words state))
                      (workspace "starting")
                      (fall (if (homespun--fall-is-final fall) "problem" "starting")))))
    (cond ((not words) "")
          ((equal words "ready") " homespun")
          (t (concat " homespun: " (string-replace "%" "%%" words))))))

(defun homespun--said (string)
  "Return STRING, or nil where it is empty."
  (and string (not (string-empty-p string)) string))

(defun homespun--show-lines (lines)
  "Show LINES, those that are not nil, in the echo area or a buffer."
  (display-message-or-buffer (string-join (delq nil lines) "\n") "*homespun*"))

(defun homespun-status ()
  "Show how the server is, and what would mend a problem."
  (interactive)
  (let* ((state (homespun--request-state "homespun.status"))
         (fix (lsp-get state :fix)))
    (homespun--show-lines
     `(,(homespun--state-words state)
       ,(homespun--said (lsp-get state :message))
       ,(and fix (format "M-x homespun-fix: %s" (lsp-get fix :title)))
       ,(format "model %s, adapter %s" (lsp-get state :model) (lsp-get state :adapter))
       ,(and-let* ((age (lsp-get state :adapterAge))) (homespun--said (lsp-get age :sentence)))
       ,@(seq-map (lambda (folder)
                    (string-join
                     (delq nil (list (lsp-get folder :root)
                                     (lsp-get folder :state)
                                     (homespun--said (lsp-get folder :message))))
                     "  "))
                  (lsp-get state :folders))))))

(defun homespun-fix ()
  "Run what mends the problem that the status shows."
  (interactive)
  (let* ((state (homespun--request-state "homespun.status"))
         (fix (lsp-get state :fix)))
    (cond ((not fix) (message "Homespun: there is nothing to fix: %s" (lsp-get state :state)))
          ((y-or-n-p (format "%s? " (lsp-get fix :title)))
           (apply #'homespun--request (lsp-get fix :command) (append (lsp-get fix :arguments) nil))
           (message "%s: begun; the mode line shows how it goes" (lsp-get fix :title))))))

(defun homespun-pause (&optional minutes)
  "Complete nothing for MINUTES, the prefix argument.
Without it the pause lasts until `homespun-resume'."
  (interactive "P")
  (let ((number (and minutes (prefix-numeric-value minutes))))
    (when (and number (<= number 0))
      (user-error "A pause of %s minutes is none; give a number above 0" number))
    (let ((state (apply #'homespun--request-state "homespun.pause" (and number (list number)))))
      (message "Homespun: %s" (homespun--state-words state)))))

(defun homespun-resume ()
  "Complete again after `homespun-pause'."
  (interactive)
  (message "Homespun: %s" (homespun--state-words (homespun--request-state "homespun.resume"))))

(defun homespun-reindex ()
  "Have the server look at every file again."
  (interactive)
  (homespun--request "homespun.reindex")
  (message "Homespun: every file is looked at again"))

(defun homespun-log ()
  "Show what the server writes to its log."
  (interactive)
  (pop-to-buffer (or (get-buffer "*homespun::stderr*")
                     (user-error "The server has written no log in this session"))))

;;; What is behind a suggestion

(defun homespun--show-locations (locations describe)
  "Show LOCATIONS, objects with a uri and lines, to jump to.
DESCRIBE makes the line of one."
  (let ((xrefs (seq-map (lambda (location)
                          (xref-make (funcall describe location)
                                     (xref-make-file-location
                                      (if-let ((uri (lsp-get location :uri)))
                                          (lsp--uri-to-path uri)
                                        (lsp-get location :path)) ; its folder is closed
                                      (lsp-get location :start_line)
                                      0)))
                        locations)))
    (xref-push-marker-stack)
    ;; What `xref-show-xrefs' does, which Emacs 28 does not have yet.
    (funcall xref-show-xrefs-function (lambda () xrefs) `((window . ,(selected-window))))))

(defun homespun-sources ()
  "Show the places of the repository that the last suggestion was made with."
  (interactive)
  (let ((sources (homespun--request "homespun.showSources")))
    (if (seq-empty-p sources)
        (message "The last suggestion was made without other code; M-x homespun-why says more")
      (homespun--show-locations sources (lambda (source) (or (lsp-get source :preview) ""))))))

(defun homespun-why ()
  "Show from what the last suggestion was made, or why there was none."
  (interactive)
  (let* ((answer (homespun--request "homespun.why"))
         (details (lsp-get answer :details)))
    (homespun--show-lines
     `(,(lsp-get answer :sentence)
       ,@(seq-map (lambda (source)
                    (format "%s:%d-%d  %s"
                            (lsp-get source :path)
                            (lsp-get source :start_line)
                            (lsp-get source :end_line)
                            (or (lsp-get source :preview) "")))
                  (and details (lsp-get details :sources)))))))

(defun homespun--describe-hit (hit)
  "Return the line of a search's HIT: its definition, or its first line."
  (or (homespun--said (lsp-get hit :symbol))
      (car (split-string (string-trim (lsp-get hit :text)) "\n"))))

(defun homespun-search (query)
  "Search the repository for QUERY: a question, a name, a path or some code."
  (interactive
   (let ((symbol (thing-at-point 'symbol t)))
     (list (read-string (format-prompt "Search the repository" symbol) nil nil symbol))))
  (let* ((options (and buffer-file-name (list :uri (lsp--buffer-uri))))
         (answer (apply #'homespun--request "homespun.search" query (and options (list options))))
         (hits (lsp-get answer :hits)))
    (when-let ((sentence (homespun--said (lsp-get answer :message))))
      (message "Homespun: %s" sentence))
    (unless (seq-empty-p hits)
      (homespun--show-locations hits #'homespun--describe-hit))))

(defun homespun--describe-choice (choice)
  "Return what is to be said of an adapter's CHOICE."
  (concat "  " (if (lsp-get choice :fits)
                   (lsp-get choice :detail)
                 (concat "does not fit: " (lsp-get choice :why)))))

(defun homespun-adapters ()
  "Choose the adapter that serves, for this session."
  (interactive)
  (let* ((answer (homespun--request "homespun.adapters"))
         (choices (seq-map (lambda (choice) (cons (lsp-get choice :id) choice))
                           (lsp-get answer :choices)))
         (completion-extra-properties
          (list :annotation-function
                (lambda (id) (homespun--describe-choice (cdr (assoc id choices))))))
         (sentence (homespun--said (lsp-get answer :message)))
         (prompt (format "%sAdapter (now %s): "
                         (if sentence (concat sentence "\n") "")
                         (lsp-get answer :setting)))
         (id (completing-read prompt choices nil t)))
    (setq homespun-adapter id)          ; which tells the server
    (message "Adapter %s until Emacs ends; (setq homespun-adapter %S) keeps it" id id)))

(defun homespun-report ()
  "Open the report of the newest training."
  (interactive)
  (let ((answer (homespun--request "homespun.report")))
    (if-let ((uri (lsp-get answer :uri)))
        (browse-url uri)
      (message "Homespun: %s" (lsp-get answer :message)))))

(defun homespun--acceptance-line (group)
  "Return the line of a GROUP of suggestions, nil where it has no figures."
  (let ((accepted (lsp-get group :accepted)))
    (when (and accepted (lsp-get accepted :share))
      (format "%-20s accepted %d of %d, %.0f %% (%.0f-%.0f)"
              (lsp-get group :value)
              (lsp-get accepted :hits)
              (lsp-get accepted :of)
              (* 100 (lsp-get accepted :share))
              (* 100 (lsp-get accepted :low))
              (* 100 (lsp-get accepted :high))))))

(defun homespun-acceptance ()
  "Show how many suggestions were accepted; the figures stay on this machine."
  (interactive)
  (let ((answer (homespun--request "homespun.acceptance")))
    (homespun--show-lines
     (cons (lsp-get answer :message)
           (seq-map #'homespun--acceptance-line (lsp-get answer :groups))))))

;;; A question that was given up

(defconst homespun--max-questions 4 "How often the same is asked, at most.")

(defvar homespun--unanswered nil
  "The question that was given up last: its place, and how often it was.")

(defvar homespun--once-more nil "The timer that asks it again.")

(defun homespun--ask (ask method params)
  "Ask with METHOD and PARAMS, as ASK, `lsp-request-while-no-input', does.
Ghost text of homespun is asked for again, and with more patience, where
the answer did not come in time or a key came before it: on a slow machine
it would be lost, for lsp-mode asks only after a change of the text."
  (if (not (and (equal method "textDocument/inlineCompletion") (homespun--workspace)))
      (funcall ask method params)
    (when homespun--once-more
      (cancel-timer homespun--once-more))
    (let* ((place (homespun--place))
           (seconds (and lsp-response-timeout
                         (* lsp-response-timeout (expt 2 (homespun--times-given-up place)))))
           (outcome (homespun--wait-for-text params seconds)))
      (pcase outcome
        (`(,_ ,failure) (error "%s" (homespun--message-of failure)))
        (`(,answer) answer)             ; also that there is nothing: it is not asked again
        ((guard (and (homespun--is-automatic params) (homespun--give-up place))) nil)
        ((guard (not (input-pending-p))) (error "No answer in %s s" seconds))))))

(defun homespun--place ()
  "Return what makes a question another one: the buffer, its text, the point."
  (list (current-buffer) (buffer-chars-modified-tick) (point)))

(defun homespun--times-given-up (place)
  "Return how often the question at PLACE was given up."
  (if (equal place (car homespun--unanswered)) (cdr homespun--unanswered) 0))

(defun homespun--is-automatic (params)
  "Say whether nobody asked by hand for what PARAMS ask for."
  (eq (lsp-get (lsp-get params :context) :triggerKind)
      lsp/inline-completion-trigger-automatic))

(defun homespun--message-of (failure)
  "Return the sentence of a FAILURE, the first where several servers failed."
  (lsp-get (if (lsp-json-error? failure) failure (car failure)) :message))

(defun homespun--wait-for-text (params seconds)
  "Ask for ghost text with PARAMS until a key comes, SECONDS at most.
Return a list of the answer, or of nil and the failure; nil without either.
Unlike in `lsp-request-while-no-input' nothing is lost that arrives
together with the answer: a change of the status, say."
  (let ((deadline (and seconds (+ (float-time) seconds)))
        outcome)
    (lsp-request-async "textDocument/inlineCompletion" params
                       (lambda (answer) (setq outcome (list answer)))
                       :mode 'detached
                       :error-handler (lambda (failure) (setq outcome (list nil failure)))
                       :cancel-token 'homespun--question)
    (unwind-protect
        (while (not (or outcome
                        (input-pending-p)
                        (and deadline (> (float-time) deadline))))
          (sit-for 0.02))
      (unless outcome
        (lsp-cancel-request-by-token 'homespun--question)))
    outcome))

(defun homespun--give-up (place)
  "Note that the question at PLACE was given up; say whether it is asked again.
After 1, 2 and 4 s, at the next moment without keys."
  (let ((times (1+ (homespun--times-given-up place))))
    (setq homespun--unanswered (cons place times))
    (when (< times homespun--max-questions)
      (setq homespun--once-more
            (run-at-time (expt 2 (1- times)) nil #'homespun--ask-when-idle place)))))

(defun homespun--ask-when-idle (place)
  "Ask again at PLACE as soon as no key comes for a moment."
  (setq homespun--once-more
        (run-with-idle-timer lsp-inline-completion-idle-delay nil #'homespun--ask-again place)))

(defun homespun--ask-for-typed ()
  "Ask for what was typed before the server was there; nobody heard of it."
  (when (and (buffer-modified-p) (homespun--workspace))
    (homespun--ask-when-idle (homespun--place))))

(defun homespun--ask-again (place)
  "Ask again where text and point still are as in PLACE, unless it was dismissed.
Later, if somebody is in another buffer now, in the minibuffer, say, or
the server is being started again."
  (let ((buffer (car place)))
    (when (and (buffer-live-p buffer)
               (equal place (with-current-buffer buffer (homespun--place)))
               (not (eq last-command 'keyboard-quit)))
      (if (and (eq buffer (current-buffer)) (lsp-feature? "textDocument/inlineCompletion"))
          (lsp-inline-completion--maybe-display buffer (point))
        (homespun--give-up place)))))

;;; Parts of a suggestion

(defvar-local homespun--rest nil
  "What parts of a suggestion have left: the item that is shown for it, the
server's item, and the text that was taken of that.")

(defun homespun--item ()
  "Return the item that is shown, nil where it is another server's."
  (let ((item (and lsp-inline-completion--items
                   lsp-inline-completion--current
                   (elt lsp-inline-completion--items lsp-inline-completion--current))))
    (and item
         (equal (lsp-get (lsp-get item :command) :command) "homespun.accepted")
         item)))

(defun homespun--tell (method item &rest more)
  "Notify the server by METHOD of what became of ITEM.
MORE are further parameters."
  (when-let ((workspace (homespun--workspace)))
    (with-lsp-workspace workspace
      (lsp-notify method (append (list :item item) more)))))

(defun homespun--on-shown ()
  "Tell the server that its item is on the screen."
  (when-let ((item (homespun--item)))
    (unless (eq item (car homespun--rest)) ; of that it knows
      (homespun--tell "textDocument/didShowCompletion" item))))

(defun homespun--first-part (text part)
  "Return the first PART of TEXT, `word' or `line'.
The white space before a word and the break before a line belong to it."
  (let ((case-fold-search nil))
    (string-match (if (eq part 'word)
                      "\\`[[:space:]\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:][:space:]\n_]+\\)?"
                    "\\`\n?[^\n]*")
                  text)
    (match-string 0 text)))

(defun homespun--item-here (item text)
  "Return a copy of ITEM with TEXT, to be inserted at point."
  (pcase-let* (((map :line :character) (lsp--cur-position))
               (here (lsp-make-position :line line :character character))
               (copy (if (hash-table-p item) (copy-hash-table item) (copy-sequence item))))
    (lsp-put (lsp-put copy :insertText text)
             :range (lsp-make-range :start here :end here))))

(defun homespun--accept-part (part)
  "Accept the first PART of the suggestion and show the rest.
At once: the server would be asked only until the next key comes, and
that key would find nothing to accept."
  (let* ((item (homespun--item))
         (text (and item (lsp-get item :insertText)))
         (first (if (stringp text) (homespun--first-part text part) "")))
    (if (member first (list "" text))
        (lsp-inline-completion-accept)
      (pcase-let* ((`(,shown ,whole ,taken) homespun--rest)
                   (is-rest (eq item shown))
                   (whole (if is-rest whole item))
                   (taken (concat (and is-rest taken) first)))
        (lsp-inline-completion-cancel)
        (insert first)
        (homespun--tell "textDocument/didPartiallyAcceptCompletion" whole
                        :acceptedLength (/ (length (encode-coding-string taken 'utf-16le)) 2))
        (let ((rest (homespun--item-here item (substring text (length first)))))
          (setq homespun--rest (list rest whole taken)
                lsp-inline-completion--items (list rest)
                lsp-inline-completion--current 0
                lsp-inline-completion--start-point (point)))
        (lsp-inline-completion-show-overlay)))))

(defun homespun-accept-word ()
  "Accept the next word of the suggestion."
  (interactive)
  (homespun--accept-part 'word))

(defun homespun-accept-line ()
  "Accept the next line of the suggestion."
  (interactive)
  (homespun--accept-part 'line))

(defun homespun-dismiss ()
  "Take the suggestion away, so that it does not come back here."
  (interactive)
  (when-let* ((item (homespun--item))
              (given (lsp-get (lsp-get item :command) :arguments)))
    (homespun--run "homespun.dismissed" (elt given 0)))
  (lsp-inline-completion-cancel))

(dolist (command '(homespun-accept-word homespun-accept-line homespun-dismiss))
  (put command 'lsp-inline-completion-keep t)) ; else the suggestion is gone before they run

;;; The mode

(defun homespun--is-own (directory)
  "Say whether the .homespun of DIRECTORY is a folder of this user, and no link."
  (let ((found (file-attributes (expand-file-name ".homespun" directory) 'integer)))
    (and (eq (file-attribute-type found) t)
         (or (eq system-type 'windows-nt)
             (= (file-attribute-user-id found) (user-uid))))))

(defun homespun--project (directory)
  "Return the project around DIRECTORY that this user's .homespun makes.
Not in a repository: a clone may carry such a folder."
  (unless (locate-dominating-file directory ".git")
    (when-let ((root (locate-dominating-file directory #'homespun--is-own)))
      (cons 'transient root))))

(defun homespun--start ()
  "Start the servers of this buffer, unless homespun is off in its mode."
  (unless (homespun--is-disabled major-mode)
    (when-let ((fall (and buffer-file-name (homespun--given-up buffer-file-name))))
      (cl-pushnew (current-buffer) (homespun--fall-buffers fall)))
    (lsp-deferred)))

(defun homespun--bind-keys ()
  "Bind the keys that hold while a suggestion is shown."
  (dolist (binding '(("TAB" . lsp-inline-completion-accept)
                     ("<tab>" . lsp-inline-completion-accept)
                     ("M-<right>" . homespun-accept-word)
                     ("C-M-<right>" . homespun-accept-line)
                     ("C-g" . homespun-dismiss)))
    (define-key lsp-inline-completion-active-map (kbd (car binding)) (cdr binding))))

;;;###autoload
(define-minor-mode homespun-mode
  "Start homespun in every buffer of a programming mode.
The root of a project is the nearest folder with .git (which Emacs
knows), else the nearest one with a .homespun of this user."
  :global t
  :lighter (:eval (homespun-mode-line))
  (cond
   (homespun-mode
    (when homespun-idle-delay
      (setq lsp-inline-completion-idle-delay homespun-idle-delay))
    (setq lsp-auto-guess-root t)
    (homespun--bind-keys)
    (add-hook 'project-find-functions #'homespun--project t)
    (add-hook 'lsp-after-uninitialized-functions #'homespun--on-exit)
    (advice-add 'lsp-request-while-no-input :around #'homespun--ask)
    (add-hook 'lsp-inline-completion-shown-hook #'homespun--on-shown)
    (add-hook 'lsp-configure-hook #'homespun--ask-for-typed)
    (add-hook 'prog-mode-hook #'homespun--start))
   (t
    (remove-hook 'project-find-functions #'homespun--project)
    (remove-hook 'lsp-after-uninitialized-functions #'homespun--on-exit)
    (advice-remove 'lsp-request-while-no-input #'homespun--ask)
    (remove-hook 'lsp-inline-completion-shown-hook #'homespun--on-shown)
    (remove-hook 'lsp-configure-hook #'homespun--ask-for-typed)
    (remove-hook 'prog-mode-hook #'homespun--start))))

(provide 'homespun)
;;; homespun.el ends here
