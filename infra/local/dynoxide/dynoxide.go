// Package dynoxide gets and starts the DynamoDB stand-in.
package dynoxide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/child"
)

// version is the release of the npm package that is installed.
const version = "1.2.1"

// Server is a running stand-in. Its data is in memory and gone with it.
type Server struct {
	Endpoint string
	process  *exec.Cmd
	gone     <-chan struct{}
}

// Start installs the stand-in below root's .local when it is not there, and runs it on a free port. It ends with Stop
// or with this process.
func Start(ctx context.Context, root string) (*Server, error) {
	binary, err := install(ctx, root)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		s, err := run(ctx, binary)
		if err == nil || try == 3 {
			return s, err
		}
	}
}

// Stop ends the stand-in.
func (s *Server) Stop() {
	s.process.Process.Kill() // it may be gone already
	<-s.gone
}

func run(ctx context.Context, binary string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "--host", "127.0.0.1", "--port", port)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	gone, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("dynoxide: %w", err)
	}
	s := &Server{Endpoint: "http://127.0.0.1:" + port, process: cmd, gone: gone}
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("dynoxide: %w: %s", err, out.String())
	}
	return s, nil
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.Endpoint, "http://"), time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return errors.New("does not answer")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// install gives the path of the binary, fetching it by npm once. Several processes may call it at the same time.
func install(ctx context.Context, root string) (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" || runtime.GOOS == "windows" {
		return "", fmt.Errorf("dynoxide: not published for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	dir := filepath.Join(root, ".local", "dynoxide-"+version)
	pkg := fmt.Sprintf("@dynoxide/%s-%s", runtime.GOOS, arch)
	binary := filepath.Join(dir, "node_modules", filepath.FromSlash(pkg), "dynoxide")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("dynoxide: lock: %w", err)
	}
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	cmd := exec.CommandContext(ctx, "npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", dir, pkg+"@"+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("dynoxide: npm install %s: %w: %s", pkg, err, out)
	}
	return binary, os.Chmod(binary, 0o755)
}

// CreateTable makes a table of the product's shape: keys, two indexes and TTL. It has no stream: that of the stand-in
// numbers each record by going through all that were before, and the door makes one.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string) error {
	text := func(names ...string) (all []types.AttributeDefinition) {
		for _, n := range names {
			all = append(all, types.AttributeDefinition{AttributeName: aws.String(n), AttributeType: types.ScalarAttributeTypeS})
		}
		return all
	}
	keys := func(pk, sk string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: aws.String(pk), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(sk), KeyType: types.KeyTypeRange},
		}
	}
	index := func(n string) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: aws.String(n), KeySchema: keys(n+"PK", n+"SK"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}
	}
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:              aws.String(name),
		BillingMode:            types.BillingModePayPerRequest,
		AttributeDefinitions:   text("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"),
		KeySchema:              keys("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("GSI1"), index("GSI2")},
	})
	if err != nil {
		return fmt.Errorf("dynoxide: create table: %w", err)
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String(name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true)}})
	if err != nil {
		return fmt.Errorf("dynoxide: time to live: %w", err)
	}
	return nil
}
