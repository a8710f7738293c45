// Command staff makes a user one of PixelTrack's own people, gives them another role, or ends it. It is run by an operator
// with rights on the table; no function of the product can do it. The user's id is what GET /v1/me shows them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

func main() {
	stage := flag.String("stage", "dev", "the stage, or local for the stack on this machine")
	user := flag.String("user", "", "the id of the user, usr_…")
	role := flag.String("role", "", "support, privacy_officer, legal or security; empty ends the appointment")
	flag.Parse()
	if err := run(context.Background(), *stage, *user, access.StaffRole(*role)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stage, text string, role access.StaffRole) error {
	user, err := id.Parse[id.User](text)
	if err != nil {
		return fmt.Errorf("-user: %w", err)
	}
	if stage == "local" {
		return local(user, role)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	table, err := tableOf(ctx, cfg, "pixeltrack-"+stage)
	if err != nil {
		return err
	}
	st := store.New(cfg, table, time.Now)
	if role == "" {
		return access.Dismiss(ctx, st, user)
	}
	staff, err := access.Appoint(ctx, st, user, role)
	if err != nil {
		return err
	}
	fmt.Println(staff)
	return nil
}

func local(user id.User, role access.StaffRole) error {
	body, err := json.Marshal(map[string]string{"user_id": string(user), "role": string(role)})
	if err != nil {
		return err
	}
	res, err := http.Post("http://127.0.0.1:8081/_local/staff", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}

func tableOf(ctx context.Context, cfg aws.Config, stack string) (string, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return "", err
	}
	for _, s := range out.Stacks {
		for _, o := range s.Outputs {
			if aws.ToString(o.OutputKey) == "TableName" {
				return aws.ToString(o.OutputValue), nil
			}
		}
	}
	return "", errors.New("the stack " + stack + " names no table")
}
