using System.CommandLine;
using System.CommandLine.Parsing;
using Serval.Cli;
using Serval.Kn;
using Serval.Manifests;

namespace Serval.Commands.Kn;

/// <summary>The flags that change a service, as options of a verb.</summary>
internal sealed class EditOptions
{
    private readonly Dictionary<string, string> _flags = new(StringComparer.Ordinal); // by option and alias
    private readonly List<(string Name, YesNoOption Option)> _switches = [];
    private readonly Option<string?> _envFile = new("--" + ServiceFlags.EnvFile) { Description = "Environment variables from a file, one NAME=VALUE a line", HelpName = "FILE" };

    /// <param name="verb">Gets the options.</param>
    /// <param name="except">Flags it does not have.</param>
    public EditOptions(Command verb, params string[] except)
    {
        foreach (var flag in ServiceFlags.Groups.SelectMany(g => g).Where(f => !except.Contains(f.Name)))
        {
            var option = Option(flag);
            verb.Add(option);
            foreach (var name in option.Aliases.Append(option.Name))
            {
                _flags.Add(name, flag.Name);
            }
        }
        verb.Add(_envFile);
        _flags.Add(_envFile.Name, ServiceFlags.EnvFile);
        foreach (var flag in ServiceFlags.Switches)
        {
            _switches.Add((flag.Name, new YesNoOption(verb, flag.Name, flag.Description)));
        }
    }

    /// <summary>What the command line says, files read.</summary>
    public async Task<ServiceEdit> ReadAsync(ParseResult parse, TextReader input, CancellationToken ct)
    {
        var flags = new List<(string Name, string Value)>();
        var tokens = parse.Tokens;
        for (var i = 0; i + 1 < tokens.Count; i++)
        {
            if (tokens[i].Type != TokenType.Option || !_flags.TryGetValue(tokens[i].Value, out var flag))
            {
                continue;
            }
            var value = tokens[++i].Value;
            if (flag == ServiceFlags.EnvFile)
            {
                var lines = (await TextSource.ReadAsync(value, input, ct)).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
                flags.AddRange(lines.Where(l => l[0] != '#').Select(l => ("env", l)));
                continue;
            }
            flags.Add((flag, flag == ServiceFlags.Containers ? await ContainersAsync(value, input, ct) : value));
        }
        flags.AddRange(_switches.Select(s => (s.Name, Said: s.Option.Read(parse))).Where(s => s.Said is not null).Select(s => (s.Name, s.Said!.Value ? "true" : "false")));
        return new ServiceEdit(flags);
    }

    private static Option Option(ServiceFlag flag)
    {
        string[] aliases = flag.Alias is { } alias ? ["-" + alias] : [];
        return flag.Repeats
            ? new Option<string[]>("--" + flag.Name, aliases) { Description = flag.Description + "; may be repeated", HelpName = flag.HelpName }
            : new Option<string?>("--" + flag.Name, aliases) { Description = flag.Description, HelpName = flag.HelpName };
    }

    private static async Task<string> ContainersAsync(string file, TextReader input, CancellationToken ct)
    {
        return ManifestSource.Nodes(await TextSource.ReadAsync(file, input, ct), TextSource.Display(file)) is [var node]
            ? node.ToJsonString()
            : throw new CliException(ExitCodes.Usage, $"{file} does not hold one document; write one with a list \"containers\"");
    }
}
