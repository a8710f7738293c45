package lambda

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sync"
)

// Builder builds functions from source with the flags that are deployed, for this machine.
type Builder struct {
	Root string // of the source tree
	mu   sync.Mutex
	done map[string]*built
}

type built struct {
	once sync.Once
	err  error
}

// Binary gives the path of a function's program, building it once in this builder's life. Go itself sees what is up to
// date, so a second start costs little.
func (b *Builder) Binary(ctx context.Context, dir string) (string, error) {
	b.mu.Lock()
	if b.done == nil {
		b.done = map[string]*built{}
	}
	one, ok := b.done[dir]
	if !ok {
		one = new(built)
		b.done[dir] = one
	}
	b.mu.Unlock()
	one.once.Do(func() { one.err = b.build(ctx, dir) })
	if one.err != nil {
		return "", one.err
	}
	return filepath.Abs(b.path(dir))
}

// All builds the functions given in one go.
func (b *Builder) All(ctx context.Context, dirs []string) error {
	if err := b.build(ctx, dirs...); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done == nil {
		b.done = map[string]*built{}
	}
	for _, d := range dirs {
		one := new(built)
		one.once.Do(func() {})
		b.done[d] = one
	}
	return nil
}

func (b *Builder) path(dir string) string {
	return filepath.Join(b.Root, ".local", "build", path.Base(dir))
}

func (b *Builder) build(ctx context.Context, dirs ...string) error {
	out, err := filepath.Abs(filepath.Join(b.Root, ".local", "build"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-tags=lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags=-s -w", "-o", out + string(filepath.Separator)}
	for _, d := range dirs {
		args = append(args, "./"+d)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "go", args...)
	cmd.Dir = b.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %v: %w\n%s", dirs, err, text)
	}
	return nil
}
