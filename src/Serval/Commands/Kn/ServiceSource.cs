using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Kn;
using Serval.Manifests;

namespace Serval.Commands.Kn;

/// <summary>Where <c>service create</c> and <c>apply</c> take a service from: a name and an image, or a file.</summary>
internal sealed class ServiceSource
{
    private readonly string _verb;
    private readonly Argument<string?> _name = new("name") { Description = "The service", HelpName = "NAME", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _file = new("--filename", "-f") { Description = "Begin with the service of this file, - for standard input", HelpName = "FILE" };

    public ServiceSource(Command verb)
    {
        _verb = verb.Name;
        verb.Add(_name);
        verb.Add(_file);
    }

    /// <summary>The service before any flag, with its namespace.</summary>
    public async Task<(JsonObject Service, string Namespace, string Name)> ReadAsync(
        ParseResult parse, ServiceEdit edit, string? givenNamespace, string fallback, TextReader input, CancellationToken ct)
    {
        var name = parse.GetValue(_name) ?? "";
        if (parse.GetValue(_file) is { } file)
        {
            return await FromFileAsync(file, name, givenNamespace, fallback, input, ct);
        }
        if (name.Length == 0)
        {
            throw new CliException(ExitCodes.Usage, $"'service {_verb}' requires the service name given as single argument; see `serval service {_verb} --help`");
        }
        if (!edit.Has(ServiceFlags.Image))
        {
            throw new CliException(ExitCodes.Usage, $"'service {_verb}' requires the image name to run provided with the --image option; see `serval image list`");
        }
        var ns = givenNamespace ?? fallback;
        return (ServiceEdit.New(name, ns), ns, name);
    }

    private static async Task<(JsonObject Service, string Namespace, string Name)> FromFileAsync(
        string file, string name, string? givenNamespace, string fallback, TextReader input, CancellationToken ct)
    {
        var documents = await ManifestSource.ReadAsync([file], input, ct);
        if (documents is not [var document] || document.ApiVersion != Kinds.KService.ApiVersion || document.Kind != Kinds.KService.Kind)
        {
            throw new CliException(ExitCodes.Usage, $"{file} does not hold one Knative Service and nothing else; use `serval apply -f {file}` for other objects");
        }
        if (name.Length > 0 && document.Name != name)
        {
            throw new CliException(ExitCodes.Usage, $"provided service name '{name}' doesn't match name from file '{document.Name}'; leave one of them out");
        }
        var ns = ManifestTarget.Namespace(Kinds.KService, document, givenNamespace, fallback);
        document.Tree["metadata"]!["namespace"] = ns;
        return (document.Tree, ns, document.Name);
    }
}
