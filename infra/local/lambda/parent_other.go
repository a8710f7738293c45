//go:build !linux

package lambda

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
