// Package secrets reads the secrets of a function from Systems Manager when the function starts.
package secrets

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/keys"
)

// patience is how long a function waits for its secrets at its start.
const patience = 5 * time.Second

// Read gives the secret whose parameter name stands in an environment variable, PARAM_LINK_SECRET for example. A
// function that cannot have its secrets does not start.
func Read(a *app.App, variable string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := ssm.NewFromConfig(a.AWS("SSM"))
	out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(a.Setting(variable)), WithDecryption: aws.Bool(true)})
	if err != nil {
		panic(fmt.Sprintf("secrets: %s: %v", variable, err))
	}
	return aws.ToString(out.Parameter.Value)
}

// Pseudonyms needs PARAM_PSEUDONYM_SECRET.
func Pseudonyms(a *app.App) keys.Pseudonyms {
	return keys.Pseudonyms{Secret: Read(a, "PARAM_PSEUDONYM_SECRET")}
}

// Links needs PARAM_LINK_SECRET.
func Links(a *app.App) keys.Links { return keys.Links{Secret: Read(a, "PARAM_LINK_SECRET")} }

// Refresh needs PARAM_REFRESH_SECRET, which refresh tokens are derived from.
func Refresh(a *app.App) keys.Links { return keys.Links{Secret: Read(a, "PARAM_REFRESH_SECRET")} }
