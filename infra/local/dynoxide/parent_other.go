//go:build !linux

package dynoxide

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
