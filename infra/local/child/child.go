// Package child starts programs that do not outlive this one.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts a program, which is waited for: gone is closed when it has ended. On Linux it is killed when this process
// ends, however that happens; the thread that started it lives as long as the program, because the signal is tied to it.
func Start(cmd *exec.Cmd) (gone <-chan struct{}, err error) {
	cmd.SysProcAttr = dieWithParent()
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how a program ended is its starter's to ask of cmd.ProcessState
		close(ended)
	}()
	return ended, <-started
}
