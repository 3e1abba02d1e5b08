using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb that says what a domain leads to (knative/client: pkg/commands/domain).</summary>
internal abstract class DomainWriteVerb : KnVerb
{
    private readonly Option<string?> _ref = new("--ref")
    {
        Description = "What it leads to: a service (NAME or ksvc:NAME) or a route (kroute:NAME)", HelpName = "[ksvc:|kroute:]NAME",
    };

    private readonly Option<string?> _tls = new("--tls") { Description = "Secret that holds the certificate to serve it with; empty for none", HelpName = "SECRET" };

    protected DomainWriteVerb(CliContext context, string name, string description, bool needsRef, params string[] examples)
        : base(context, name, description, examples)
    {
        Complete(_ref, Kinds.KService);
        _ref.Required = needsRef;
        Add(Domain = NameOf(Kinds.DomainMapping));
        Add(_ref);
        Add(_tls);
    }

    protected Argument<string> Domain { get; }

    /// <summary>What the options say of the spec, as a merge patch: the target must exist. Empty when they say nothing.</summary>
    protected async Task<JsonObject> SpecAsync(ParseResult parse, RemoteClient client, string ns, CancellationToken ct)
    {
        var spec = new JsonObject();
        if (parse.GetValue(_ref) is { Length: > 0 } reference)
        {
            spec["ref"] = await TargetAsync(client, reference, ns, ct);
        }
        if (parse.GetValue(_tls) is { } secret)
        {
            if (secret.Length > 0 && Names.Subdomain(secret) is { } wrong)
            {
                throw new CliException(ExitCodes.Usage, $"invalid secret name \"{secret}\": {wrong}");
            }
            spec["tls"] = secret.Length > 0 ? new JsonObject { ["secretName"] = secret } : null;
        }
        return spec;
    }

    private static async Task<JsonObject> TargetAsync(RemoteClient client, string reference, string ns, CancellationToken ct)
    {
        var parts = reference.Split(':', 3);
        var (prefix, name) = parts.Length == 1 ? ("ksvc", parts[0]) : (parts[0], parts[1]);
        var kind = prefix switch
        {
            "ksvc" => Kinds.KService,
            "kroute" => Kinds.Route,
            _ => throw new CliException(ExitCodes.Usage, $"unsupported sink prefix: '{prefix}'; give ksvc:NAME or kroute:NAME"),
        };
        var target = parts.Length == 3 ? parts[2] : ns;
        await GetAsync(client, kind, target, name, ct);
        return new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["name"] = name, ["namespace"] = target, ["address"] = null };
    }
}
