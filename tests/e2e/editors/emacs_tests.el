;;; emacs_tests.el --- The commands of homespun.el against answers that are made up  -*- lexical-binding: t; -*-

;; tests/e2e/test_emacs.py runs them: emacs -Q --batch -L … -l homespun -l emacs_tests.el …

(require 'ert)
(require 'homespun)
(require 'cl-lib)

(defvar asked nil "What the server was asked, the newest first.")
(defvar said nil "What the echo area showed last.")

(defun from-json (json)
  "Read JSON as lsp-mode does."
  (let ((json-text json))
    (with-temp-buffer
      (insert json-text)
      (goto-char (point-min))
      (lsp-json-read-buffer))))

(defmacro with-answer (json &rest body)
  "Run BODY with a server that answers every request with JSON."
  (declare (indent 1))
  `(let ((asked nil) (said nil))
     (cl-letf (((symbol-function 'lsp-workspaces) (lambda () (list (workspace))))
               ((symbol-function 'lsp-request-async)
                (lambda (_method params callback &rest _)
                  (push params asked)
                  (funcall callback (from-json ,json))))
               ((symbol-function 'lsp-notify)
                (lambda (method params) (push (cons method params) asked)))
               ((symbol-function 'message)
                (lambda (format &rest values)
                  (setq said (and format (apply #'format-message format values)))))
               ((symbol-function 'display-message-or-buffer)
                (lambda (text &rest _) (setq said text))))
       ,@body)))

(defconst commands
  ["homespun.accepted" "homespun.showSources" "homespun.why" "homespun.search" "homespun.status"
   "homespun.pause" "homespun.resume" "homespun.fetchModel" "homespun.adapters"
   "homespun.acceptance"])

(defvar the-workspace nil)
(defun workspace ()
  "Return a workspace of homespun."
  (or the-workspace
      (setq the-workspace
            (make-lsp--workspace
             :client (gethash 'homespun lsp-clients)
             :server-capabilities
             (from-json (json-serialize
                         `(:executeCommandProvider (:commands ,commands))))))))

(ert-deftest why-says-the-sentence-and-the-sources ()
  (with-answer "{\"shown\": true, \"sentence\": \"Written by m.\", \"details\": {\"sources\":
      [{\"path\": \"a.py\", \"start_line\": 2, \"end_line\": 4, \"preview\": \"def f():\"}]}}"
    (homespun-why)
    (should (equal said "Written by m.\na.py:2-4  def f():"))
    (should (equal asked '((:command "homespun.why"))))))

(ert-deftest a-failed-command-is-its-own-sentence ()
  (with-answer "{\"message\": \"homespun.why failed (ValueError); the log says more\"}"
    (dolist (command '(homespun-why homespun-sources homespun-status))
      (should (equal (should-error (funcall command) :type 'user-error)
                     '(user-error "Homespun: homespun.why failed (ValueError); the log says more"))))))

(ert-deftest sources-are-places-to-jump-to ()
  (let (shown)
    (with-answer "[{\"path\": \"net.py\", \"start_line\": 3, \"end_line\": 9, \"preview\": \"def f():\",
                    \"uri\": \"file:///a/net.py\"}]"
      (let ((xref-show-xrefs-function
             (lambda (fetch _) (setq shown (car (funcall fetch))))))
        (homespun-sources)))
    (should (equal (xref-item-summary shown) "def f():"))
    (should (equal (xref-location-group (xref-item-location shown)) "/a/net.py"))
    (should (equal (xref-location-line (xref-item-location shown)) 3))))

(ert-deftest no-sources-are-a-sentence ()
  (with-answer "[]"
    (homespun-sources)
    (should (string-match-p "made without other code" said))))

(ert-deftest a-search-shows-definitions-or-first-lines ()
  (let (shown)
    (with-answer "{\"message\": \"still being indexed\", \"hits\": [
        {\"uri\": \"file:///a.py\", \"start_line\": 1, \"symbol\": \"send\", \"text\": \"x\"},
        {\"uri\": \"file:///a.py\", \"start_line\": 9, \"symbol\": \"\", \"text\": \"\\n  y = 1\\nz\"}]}"
      (let ((xref-show-xrefs-function
             (lambda (fetch _) (setq shown (mapcar #'xref-item-summary (funcall fetch))))))
        (homespun-search "a socket"))
      (should (equal said "Homespun: still being indexed"))
      (should (equal asked '((:command "homespun.search" :arguments ["a socket"])))))
    (should (equal shown '("send" "y = 1")))))

(ert-deftest status-shows-how-old-the-adapter-is ()
  (with-answer "{\"state\": \"ready\", \"message\": \"\", \"percent\": null, \"fix\": null,
      \"pausedUntil\": null, \"model\": \"m\", \"adapter\": \"a-1\",
      \"adapterAge\": {\"sentence\": \"learned today\"}, \"folders\": []}"
    (homespun-status)
    (should (equal said "ready\nmodel m, adapter a-1\nlearned today"))))

(ert-deftest status-shows-the-problem-and-its-fix ()
  (with-answer "{\"state\": \"problem\", \"message\": \"no model\", \"percent\": null,
      \"fix\": {\"title\": \"Fetch the model\", \"command\": \"homespun.fetchModel\", \"arguments\": []},
      \"pausedUntil\": null, \"model\": \"m\", \"adapter\": \"none\", \"adapterAge\": null,
      \"folders\": [{\"root\": \"/a\", \"state\": \"ready\", \"message\": \"\"}]}"
    (homespun-status)
    (should (equal said (concat "problem\nno model\nM-x homespun-fix: Fetch the model\n"
                                "model m, adapter none\n/a  ready")))
    (cl-letf (((symbol-function 'y-or-n-p) (lambda (question) (equal question "Fetch the model? "))))
      (homespun-fix))
    (should (equal (car asked) '(:command "homespun.fetchModel")))))

(ert-deftest nothing-is-run-where-there-is-nothing-to-fix ()
  (with-answer "{\"state\": \"ready\", \"message\": \"\", \"fix\": null}"
    (homespun-fix)
    (should (equal said "Homespun: there is nothing to fix: ready"))
    (should (equal (length asked) 1))))

(ert-deftest pause-takes-minutes ()
  (with-answer (format "{\"state\": \"paused\", \"pausedUntil\": %d}"
                       (time-convert (encode-time '(0 5 12 4 5 2026 nil nil nil)) 'integer))
    (homespun-pause 60)
    (should (equal said "Homespun: paused until 12:05"))
    (should (equal asked '((:command "homespun.pause" :arguments [60]))))
    (should-error (homespun-pause 0) :type 'user-error)))

(ert-deftest pause-without-minutes-lasts-until-resume ()
  (with-answer "{\"state\": \"paused\", \"pausedUntil\": null}"
    (homespun-pause)
    (should (equal asked '((:command "homespun.pause"))))
    (should (equal (homespun-mode-line) " homespun: paused"))))

(ert-deftest an-error-of-the-protocol-is-a-sentence ()
  (with-answer "null"
    (cl-letf (((symbol-function 'lsp-request-async)
               (lambda (_method _params _callback &rest options)
                 (funcall (plist-get options :error-handler) (from-json "{\"message\": \"no\"}")))))
      (should (equal (should-error (homespun-why) :type 'user-error)
                     '(user-error "Homespun: no"))))))

(ert-deftest the-chosen-adapter-becomes-the-setting ()
  (with-answer "{\"serving\": \"none\", \"setting\": \"champion\", \"choices\": [
      {\"id\": \"champion\", \"detail\": \"none is promoted yet\", \"fits\": true, \"why\": \"\"},
      {\"id\": \"abc\", \"detail\": \"\", \"fits\": false, \"why\": \"made for another model\"}]}"
    (let (notes)
      (cl-letf (((symbol-function 'completing-read)
                 (lambda (_ choices &rest _)
                   (let ((note (plist-get completion-extra-properties :annotation-function)))
                     (setq notes (mapcar (lambda (choice) (funcall note (car choice))) choices)))
                   "abc")))
        (homespun-adapters))
      (should (equal notes '("  none is promoted yet" "  does not fit: made for another model"))))
    (should (equal homespun-adapter "abc")) ; and lsp-mode sends it: `lsp-defcustom'
    (should (equal (lsp-get (lsp-get (lsp-get (lsp-configuration-section "homespun") :homespun)
                                     :completion)
                            :adapter)
                   "abc"))
    (setq homespun-adapter nil)))

(ert-deftest acceptance-lists-the-groups-that-have-figures ()
  (with-answer "{\"message\": \"30 of 120\", \"groups\": [
      {\"value\": \"all\", \"accepted\":
       {\"hits\": 30, \"of\": 120, \"share\": 0.25, \"low\": 0.181, \"high\": 0.334}},
      {\"value\": \"block\", \"accepted\": {\"hits\": 0, \"of\": 0, \"share\": null}}]}"
    (homespun-acceptance)
    (should (equal said (format "30 of 120\n%-20s accepted 30 of 120, 25 %% (18-33)" "all")))))

(ert-deftest what-an-older-server-does-not-know-is-a-sentence ()
  (with-answer "{}"
    (should (equal (should-error (homespun-report) :type 'user-error)
                   '(user-error "The server does not know homespun.report; install a newer homespun")))
    (should-not asked)))

(ert-deftest without-a-server-a-command-says-how-to-start-it ()
  (cl-letf (((symbol-function 'lsp-workspaces) #'ignore)
            ((symbol-function 'lsp-find-workspace) #'ignore))
    (should (equal (homespun-mode-line) ""))
    (should-error (homespun-why) :type 'user-error)))

(ert-deftest a-command-from-a-list-asks-the-server-that-runs ()
  (with-answer "{\"sentence\": \"Nothing.\"}"
    (let ((running (workspace)))
      (cl-letf (((symbol-function 'lsp-workspaces) #'ignore)
                ((symbol-function 'lsp-find-workspace)
                 (lambda (id) (and (eq id 'homespun) running))))
        (homespun-why)))
    (should (equal said "Nothing."))))

(ert-deftest the-mode-line-follows-homespun/status ()
  (with-answer "{}"
    (clrhash homespun--states)
    (let ((heard (gethash "homespun/status"
                          (lsp--client-notification-handlers (gethash 'homespun lsp-clients)))))
      (should (equal (homespun-mode-line) " homespun: starting"))
      (funcall heard (workspace) (from-json "{\"state\": \"indexing\", \"percent\": 43}"))
      (should (equal (homespun-mode-line) " homespun: indexing 43 %%"))
      (funcall heard (workspace) (from-json "{\"state\": \"ready\", \"percent\": null}"))
      (should (equal (homespun-mode-line) " homespun")))))

(ert-deftest the-client-announces-that-it-understands-homespun/status ()
  (let ((capabilities (lsp--client-capabilities
                       (lsp--client-custom-capabilities (gethash 'homespun lsp-clients)))))
    (should (equal (alist-get 'experimental capabilities) '((homespun . ((status . t))))))))

(ert-deftest a-disabled-mode-gets-no-server ()
  (let ((homespun-disabled-modes '(text-mode))
        (fits (lsp--client-activation-fn (gethash 'homespun lsp-clients))))
    (should-not (funcall fits "a.txt" 'text-mode))
    (should (funcall fits "a.el" 'emacs-lisp-mode)))
  (should-not (homespun--is-disabled 'text-mode)))

(ert-deftest the-first-part-of-a-suggestion ()
  (should (equal (homespun--first-part "foo_1(bar)" 'word) "foo_1"))
  (should (equal (homespun--first-part " (x" 'word) " ("))
  (should (equal (homespun--first-part "  né x" 'word) "  né"))
  (should (equal (homespun--first-part "\n    return x" 'word) "\n    return"))
  (should (equal (homespun--first-part "a = 1\n  b" 'line) "a = 1"))
  (should (equal (homespun--first-part "\n  b\nc" 'line) "\n  b")))

;; The emoji is one character here and two in the protocol.
(defconst shown-item "{\"insertText\": \"😋né(x)\", \"command\": {\"command\": \"homespun.accepted\",
                      \"arguments\": [\"7\"]}, \"range\": {\"start\": {\"line\": 0, \"character\": 0},
                      \"end\": {\"line\": 0, \"character\": 0}}}")

(defmacro with-suggestion (&rest body)
  "Run BODY where `shown-item' is shown and the server has no time to answer."
  `(with-temp-buffer
     (setq lsp-inline-completion--items (list (from-json shown-item))
           lsp-inline-completion--current 0
           lsp-inline-completion--start-point (point))
     (let ((lsp-inline-completion-shown-hook '(homespun--on-shown))
           (overriding-terminal-local-map nil))
       (cl-letf (((symbol-function 'lsp-inline-completion-display) #'ignore)
                 ((symbol-function 'lsp--execute-command) (lambda (it) (push it asked))))
         (lsp-inline-completion-show-overlay)
         (setq asked nil)
         ,@body))))

(defun ghost-text ()
  "Return the ghost text that is on the screen, nil without."
  (when (lsp-inline-completion--active-p)
    (substring-no-properties (overlay-get lsp-inline-completion--overlay 'after-string))))

(ert-deftest a-part-is-inserted-and-told-and-the-rest-is-shown ()
  (with-answer "{}"
    (with-suggestion
     (homespun-accept-word)
     (should (equal (buffer-string) "😋"))
     (should (equal (ghost-text) "né(x)"))
     (pcase-let ((`((,method . ,params)) asked))
       (should (equal method "textDocument/didPartiallyAcceptCompletion"))
       (should (equal (plist-get params :acceptedLength) 2))
       (should (equal (lsp-get (plist-get params :item) :insertText) "😋né(x)"))))))

(ert-deftest parts-are-accepted-one-after-the-other-without-a-new-answer ()
  (with-answer "{}"
    (with-suggestion
     (homespun-accept-word)
     (homespun-accept-word)
     (should (equal (buffer-string) "😋né"))
     (should (equal (ghost-text) "(x)"))
     (pcase-let ((`((,method . ,params) . ,_) asked))
       (should (equal method "textDocument/didPartiallyAcceptCompletion"))
       (should (equal (plist-get params :acceptedLength) 4))
       (should (equal (lsp-get (plist-get params :item) :insertText) "😋né(x)")))
     (should (= (length asked) 2))
     (lsp-inline-completion-accept)
     (should (equal (buffer-string) "😋né(x)"))
     (should (equal (lsp-get (car asked) :command) "homespun.accepted"))
     (should-not (ghost-text)))))

(ert-deftest a-part-that-is-all-is-accepted-as-ever ()
  (with-answer "{}"
    (with-suggestion
     (homespun-accept-line)
     (should (equal (buffer-string) "😋né(x)"))
     (should (equal (mapcar (lambda (it) (lsp-get it :command)) asked) '("homespun.accepted"))))))

(ert-deftest who-accepts-tells-only-homespun ()
  (let ((handler (gethash "homespun.accepted"
                          (lsp--client-action-handlers (gethash 'homespun lsp-clients))))
        asked-of)
    (with-answer "{}"
      (cl-letf (((symbol-function 'lsp-request-async)
                 (lambda (_ params &rest _) (setq asked-of (list lsp--cur-workspace params)))))
        (funcall handler (from-json "{\"command\": \"homespun.accepted\", \"arguments\": [\"7\"]}")))
      (should (equal asked-of
                     (list (workspace) '(:command "homespun.accepted" :arguments ["7"])))))))

(ert-deftest what-is-dismissed-goes-and-the-server-is-told ()
  (let (asked-of)
    (with-answer "{}"
      (cl-letf (((symbol-function 'lsp-request-async)
                 (lambda (_ params &rest _) (setq asked-of (list lsp--cur-workspace params)))))
        (with-suggestion
         (homespun-dismiss)
         (should-not (ghost-text))
         (should (equal (buffer-string) ""))))
      (should (equal asked-of
                     (list (workspace) '(:command "homespun.dismissed" :arguments ["7"])))))))

(defvar questions nil "What the server was asked for ghost text with, the newest first.")
(defvar answers nil "What the server answers, in turn: JSON, or nil where it takes too long.")
(defvar timers nil "What is to happen, the next first: seconds, function, arguments.")
(defvar is-up nil "Whether a server runs.")
(defvar is-pending nil "Whether a key waits to be read.")
(defvar the-message nil "What an error said.")

(defmacro with-questions (&rest body)
  "Run BODY in a buffer where (ask) asks for ghost text as `lsp-mode' does."
  `(with-temp-buffer
     (insert "total = ")
     (let ((homespun--unanswered nil) (homespun--once-more nil) (last-command 'self-insert-command)
           (questions nil) (answers nil) (timers nil) (is-pending nil) (the-message nil) (is-up t)
           (lsp-response-timeout 0.01))
       (cl-letf (((symbol-function 'lsp-workspaces) (lambda () (list (workspace))))
                 ((symbol-function 'lsp--text-document-identifier) (lambda () '(:uri "file:///a.py")))
                 ((symbol-function 'lsp-request-async)
                  (lambda (_method params callback &rest options)
                    (push params questions)
                    (when-let ((answer (pop answers)))
                      (if (eq answer 'failure)
                          (funcall (plist-get options :error-handler)
                                   (from-json "{\"code\": -32603, \"message\": \"it broke\"}"))
                        (funcall callback (from-json answer))))))
                 ((symbol-function 'lsp-feature?) (lambda (&rest _) is-up))
                 ((symbol-function 'input-pending-p) (lambda (&rest _) is-pending))
                 ((symbol-function 'lsp--error)
                  (lambda (format &rest values) (setq the-message (apply #'format format values))))
                 ((symbol-function 'lsp-inline-completion-show-overlay) #'ignore)
                 ((symbol-function 'lsp--spinner-start) #'ignore)
                 ((symbol-function 'lsp--spinner-stop) #'ignore)
                 ((symbol-function 'run-at-time)
                  (lambda (delay _ run &rest arguments) (push (cons delay (cons run arguments)) timers)))
                 ((symbol-function 'run-with-idle-timer)
                  (lambda (_delay _ run &rest arguments) (apply run arguments)))
                 ((symbol-function 'cancel-timer) (lambda (&rest _) (setq timers nil))))
         (unwind-protect
             (progn
               (advice-add 'lsp-request-while-no-input :around #'homespun--ask)
               ,@body)
           (advice-remove 'lsp-request-while-no-input #'homespun--ask))))))

(defun ask ()
  "Ask for ghost text as after a change; return what came."
  (setq lsp-inline-completion--items nil)
  (lsp-inline-completion-display 'implicit)
  lsp-inline-completion--items)

(defun pause ()
  "Let the pause pass after which it is asked again; return its seconds, nil without one."
  (pcase (pop timers)
    (`(,delay . (,run . ,arguments)) (apply run arguments) delay)))

(defconst nothing "{\"items\": []}")
(defconst something "{\"items\": [{\"insertText\": \"1\"}]}")

(ert-deftest a-question-without-an-answer-in-time-is-asked-again ()
  (with-questions
   (setq answers (list nil something))
   (should-not (ask))
   (should-not the-message)             ; it is not given up yet
   (should (equal (pause) 1))
   (should lsp-inline-completion--items)
   (should (= (length questions) 2))
   (should-not timers)))

(ert-deftest a-question-that-a-key-ended-is-asked-again ()
  (with-questions
   (setq answers (list nil something) is-pending t lsp-response-timeout nil)
   (should-not (ask))
   (setq is-pending nil)
   (should (equal (pause) 1))
   (should lsp-inline-completion--items)))

(ert-deftest a-question-is-asked-four-times-then-there-is-a-sentence ()
  (with-questions
   (ask)
   (should (equal (list (pause) (pause) (pause) (pause)) '(1 2 4 nil)))
   (should (= (length questions) 4))
   (should (equal the-message "Could not fetch completions: (error No answer in 0.08 s)"))))

(ert-deftest an-answer-of-nothing-is-not-asked-again ()
  (with-questions
   (dolist (answer (list nothing "null"))
     (setq answers (list answer))
     (should-not (ask))
     (should-not timers))
   (setq answers (list nil nothing))
   (ask)
   (pause)
   (should-not timers)
   (should (= (length questions) 4))
   (should-not the-message)))

(ert-deftest a-failure-is-an-answer ()
  (with-questions
   (setq answers '(failure))
   (ask)
   (should-not timers)
   (should (equal the-message "Could not fetch completions: (error it broke)"))))

(ert-deftest what-is-another-question-by-now-is-not-asked-again ()
  (dolist (change (list (lambda () (save-excursion (insert "1")))
                        #'backward-char
                        (lambda () (setq last-command 'keyboard-quit))
                        #'kill-buffer))
    (with-questions
     (ask)
     (funcall change)
     (should (equal (pause) 1))
     (should-not timers)
     (should (= (length questions) 1)))))

(ert-deftest a-question-waits-until-its-buffer-is-selected-again ()
  (with-questions
   (ask)
   (setq answers (list something))
   (with-temp-buffer
     (should (equal (pause) 1)))
   (should (= (length questions) 1))
   (should (equal (pause) 2))
   (should lsp-inline-completion--items)))

(ert-deftest a-question-waits-until-the-server-is-up-again ()
  (with-questions
   (ask)
   (setq answers (list something) is-up nil)
   (should (equal (pause) 1))
   (setq is-up t)
   (should (= (length questions) 1))
   (should (equal (pause) 2))
   (should lsp-inline-completion--items)))

(ert-deftest a-new-question-begins-anew ()
  (with-questions
   (ask)
   (insert "1")
   (ask)
   (should (= (length timers) 1))
   (should (equal (pause) 1))))

(ert-deftest who-asks-by-hand-is-told-and-asks-again ()
  (with-questions
   (lsp-inline-completion-display)
   (should-not timers)
   (should (equal the-message "Could not fetch completions: (error No answer in 0.01 s)"))))

(ert-deftest what-other-servers-are-asked-is-as-ever ()
  (let (seen)
    (with-questions
     (homespun--ask (lambda (&rest it) (push it seen)) "textDocument/completion" nil)
     (cl-letf (((symbol-function 'lsp-workspaces) #'ignore))
       (homespun--ask (lambda (&rest it) (push it seen)) "textDocument/inlineCompletion" nil))
     (should-not questions))
    (should (equal seen '(("textDocument/inlineCompletion" nil) ("textDocument/completion" nil))))))

(defvar now nil "The time, in seconds.")
(defvar started nil "The buffers that servers were started for.")

(defmacro with-deaths (&rest body)
  "Run BODY where (die) kills the server of the project of this buffer."
  `(with-temp-buffer
     (rename-buffer "demo.py")
     (setq buffer-file-name "/a/demo.py")
     (set-buffer-modified-p nil)
     (let* ((homespun--falls (make-hash-table :test #'equal))
            (now 1000.0) (timers nil) (started nil) (said nil) (lsp-restart 'interactive)
            (the-workspace nil) (is-up t))
       (workspace)
       (setf (lsp--workspace-root the-workspace) "/a/"
             (lsp--workspace-buffers the-workspace) (list (current-buffer)))
       (cl-letf (((symbol-function 'float-time) (lambda (&rest _) now))
                 ((symbol-function 'lsp-workspaces) (lambda () (and is-up (list the-workspace))))
                 ((symbol-function 'lsp-deferred) (lambda () (push (buffer-name) started)))
                 ((symbol-function 'run-at-time)
                  (lambda (delay _ run &rest arguments) (push (cons delay (cons run arguments)) timers)))
                 ((symbol-function 'cancel-timer) #'ignore)
                 ((symbol-function 'message)
                  (lambda (format &rest values) (setq said (apply #'format-message format values))))
                 ((symbol-function 'die)
                  (lambda ()
                    (setq timers nil is-up nil)
                    (setf (lsp--workspace-shutdown-action the-workspace) nil)
                    (homespun--on-exit the-workspace))))
         ,@body
         (set-buffer-modified-p nil)))))

(defun later ()
  "Do what the timers wait for; return after how many seconds, nil for at once."
  (pcase-let ((`((,delay . (,run . ,arguments))) timers))
    (apply run arguments)
    (setq now (+ now delay) is-up t)
    (and (> delay 0) delay)))

(ert-deftest a-server-that-died-is-started-again-five-times-in-three-minutes ()
  (with-deaths
   (die)
   (should (equal (homespun-mode-line) " homespun: starting"))
   (should (equal (should-error (homespun-why) :type 'user-error)
                  '(user-error "Homespun: the server ended and is started again in 1 s")))
   (should (equal (later) 1))
   (should (equal started '("demo.py")))
   (dolist (seconds '(2 4 8))
     (die)
     (should (equal (later) seconds)))
   (setq started nil)
   (die)
   (should (equal (homespun-mode-line) " homespun: problem"))
   (should-not (later))
   (should-not started)
   (setq is-up nil)
   (should (equal said (concat "Homespun: the server failed five times in three minutes and is not "
                               "started again; M-x homespun-log says why, "
                               "M-x homespun-restart starts it")))
   (let ((fits (lsp--client-activation-fn (gethash 'homespun lsp-clients))))
     (should-not (funcall fits "/a/b/other.py" 'python-mode))
     (should (funcall fits "/ab/other.py" 'python-mode))
     (with-temp-buffer
       (rename-buffer "other.py")
       (setq buffer-file-name "/a/other.py")
       (homespun--start)
       (set-buffer-modified-p nil)
       (should (equal (homespun-mode-line) " homespun: problem"))
       (setq started nil)
       (homespun-restart)
       (should (equal (seq-uniq (sort started #'string<)) '("demo.py" "other.py"))))
     (should (funcall fits "/a/b/other.py" 'python-mode)))
   (die)
   (should (equal (later) 1))))

(ert-deftest a-death-of-more-than-three-minutes-ago-does-not-count ()
  (with-deaths
   (die)
   (later)
   (setq now (+ now 180))
   (die)
   (should (equal (later) 1))))

(ert-deftest lsp-mode-does-not-ask-whether-to-start-it-again ()
  (with-deaths
   (die)
   (should (eq (lsp--workspace-shutdown-action the-workspace) 'shutdown))))

(ert-deftest a-server-that-somebody-stops-stays-so ()
  (with-deaths
   (dolist (action '(shutdown restart))
     (setf (lsp--workspace-shutdown-action the-workspace) action)
     (homespun--on-exit the-workspace)
     (should (eq (lsp--workspace-shutdown-action the-workspace) action)))
   (should-not timers)
   (let ((lsp-restart 'ignore))
     (die)
     (should-not timers))))

(ert-deftest the-mode-sets-keys-and-hooks-and-takes-the-hooks-back ()
  (let ((prog-mode-hook nil) (project-find-functions nil) (lsp-inline-completion-shown-hook nil)
        (lsp-after-uninitialized-functions nil))
    (homespun-mode 1)
    (should (equal prog-mode-hook '(homespun--start)))
    (should (equal lsp-inline-completion-idle-delay 0.1))
    (should (advice-member-p #'homespun--ask 'lsp-request-while-no-input))
    (should (eq (lookup-key lsp-inline-completion-active-map (kbd "M-<right>"))
                'homespun-accept-word))
    (homespun-mode -1)
    (should-not prog-mode-hook)
    (should-not (advice-member-p #'homespun--ask 'lsp-request-while-no-input))
    (should-not lsp-after-uninitialized-functions)
    (should-not lsp-inline-completion-shown-hook)))

;;; emacs_tests.el ends here
