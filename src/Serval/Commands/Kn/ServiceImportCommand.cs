using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Manifests;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service import</c>: makes again what <c>service export</c> wrote.</summary>
internal sealed class ServiceImportCommand : ServiceWriteVerb
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly Argument<string> _file = new("file") { Description = "What `service export` wrote, - for standard input", HelpName = "FILE" };

    public ServiceImportCommand(CliContext context)
        : base(context, "import", "Make a service and its revisions from an export", "serval service import hello.yaml", "serval service import hello.yaml -n test --no-wait") => Add(_file);

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        var spec = await ReadAsync(parse.GetRequiredValue(_file), ct);
        var service = spec.Object("service")!;
        var name = service.Object("metadata").String("name");
        service.Ensure("metadata")["namespace"] = ns;
        if (await client.FindAsync(ResourcePath.Of(Kinds.KService, ns, name), ct) is not null)
        {
            throw new CliException(ExitCodes.Failed, $"cannot import service '{name}' in namespace '{ns}' because the service already exists; delete it, or import into another namespace with -n");
        }
        await CreateAsync(client, Kinds.KService, ns, service, ct);
        var revisions = spec.Objects("revisions").Select(r => r.Item).ToArray();
        if (revisions.Length > 0)
        {
            await CreateRevisionsAsync(client, ns, name, revisions, ct);
        }
        return await FinishAsync(parse, client, ns, name, "Importing", "imported", before: "", ct);
    }

    private async Task<JsonObject> ReadAsync(string file, CancellationToken ct)
    {
        var nodes = ManifestSource.Nodes(await TextSource.ReadAsync(file, Context.In, ct), TextSource.Display(file));
        return nodes is [JsonObject export] && export.String("kind") == ServiceExport.Kind && export.Object("spec") is { } spec && spec.Object("service").Object("metadata").String("name").Length > 0
            ? spec
            : throw new CliException(ExitCodes.Usage, $"{file} is not what `serval service export` writes ({ServiceExport.ApiVersion} {ServiceExport.Kind}); use `serval apply -f` for other files");
    }

    // Revisions belong to the Configuration, which the server makes of the Service.
    private async Task CreateRevisionsAsync(RemoteClient client, string ns, string name, JsonObject[] revisions, CancellationToken ct)
    {
        JsonObject configuration = [];
        using var limit = new CancellationTokenSource(s_patience, Context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await ObjectWatch.UntilAsync(client, Kinds.Configuration, ns, name, seen => (configuration = seen).Count > 0, both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Timeout, $"service '{name}' got no Configuration within {s_patience.TotalSeconds:0} seconds; look at the output of `serval up`");
        }
        foreach (var revision in revisions)
        {
            var metadata = revision.Ensure("metadata");
            metadata["namespace"] = ns;
            metadata["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = Kinds.Configuration.ApiVersion,
                ["kind"] = Kinds.Configuration.Kind,
                ["name"] = name,
                ["uid"] = configuration.Object("metadata").String("uid"),
                ["controller"] = true,
                ["blockOwnerDeletion"] = true,
            });
            await CreateAsync(client, Kinds.Revision, ns, (JsonObject)revision.DeepClone(), ct);
        }
    }
}
