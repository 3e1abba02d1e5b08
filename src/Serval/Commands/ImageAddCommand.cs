using System.CommandLine;
using System.Text.Json;
using Serval.Cli;
using Serval.Images;

namespace Serval.Commands;

/// <summary><c>serval image add</c>: a directory becomes an image.</summary>
internal sealed class ImageAddCommand : ImageVerb
{
    private readonly Argument<string> _name = new("name") { Description = "Name of the image", HelpName = "NAME:TAG" };
    private readonly Argument<string> _directory = new("dir") { Description = "Directory that becomes / of the image", HelpName = "DIR" };
    private readonly Option<string[]> _entrypoint = new("--entrypoint")
    {
        Description = "Program to run, as the image sees it; repeat it for arguments, or give a JSON array", HelpName = "PROGRAM", Required = true,
    };

    private readonly Option<string[]> _cmd = new("--cmd") { Description = "Default argument; repeat it, or give a JSON array", HelpName = "ARG" };
    private readonly Option<string[]> _env = new("--env", "-e") { Description = "Environment variable; may be repeated", HelpName = "NAME=VALUE" };
    private readonly Option<string?> _workdir = new("--workdir", "-w") { Description = "Directory the program starts in (default: /)", HelpName = "DIR" };
    private readonly Option<string?> _user = new("--user", "-u") { Description = "User the program runs as", HelpName = "USER[:GROUP]" };
    private readonly Option<int[]> _ports = new("--port") { Description = "Port the program listens on", HelpName = "PORT" };
    private readonly Option<string[]> _labels = new("--label") { Description = "Label; may be repeated", HelpName = "NAME=VALUE" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public ImageAddCommand(CliContext context)
        : base(
            context,
            "add",
            "Make an image out of a directory",
            "serval image add hello:v1 ./publish --entrypoint /hello",
            "serval image add api:v2 ./out --entrypoint '[\"/usr/bin/node\", \"server.js\"]' --workdir /app --env NODE_ENV=production")
    {
        Add(_name);
        Add(_directory);
        Add(_entrypoint);
        Add(_cmd);
        Add(_env);
        Add(_workdir);
        Add(_user);
        Add(_ports);
        Add(_labels);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct)
    {
        var name = parse.GetRequiredValue(_name);
        var directory = parse.GetRequiredValue(_directory);
        ImageReference.Parse(name);
        var config = ReadConfig(parse);
        CheckProgram(directory, config);
        var image = await Progress.RunAsync(Context, $"packing {directory}", () => store.AddDirectoryAsync(name, directory, config, ct), ct);
        Tell([image], parse.GetValue(_output));
        return ExitCodes.Ok;
    }

    internal static IReadOnlyList<string>? Words(string[]? values, string option)
    {
        if (values is not [var only] || !only.TrimStart().StartsWith('['))
        {
            return values is { Length: > 0 } ? values : null;
        }
        try
        {
            return JsonSerializer.Deserialize<string[]>(only);
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCodes.Usage, $"{option} {only} is not a JSON array of strings ({e.Message}); write for example '[\"/app\", \"--fast\"]'", e);
        }
    }

    private ImageConfig ReadConfig(ParseResult parse)
    {
        foreach (var pair in (parse.GetValue(_env) ?? []).Concat(parse.GetValue(_labels) ?? []))
        {
            if (pair.IndexOf('=', StringComparison.Ordinal) <= 0)
            {
                throw new CliException(ExitCodes.Usage, $"\"{pair}\" is not NAME=VALUE; add the \"=\"");
            }
        }
        var labels = (parse.GetValue(_labels) ?? []).Select(l => l.Split('=', 2)).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        var ports = (parse.GetValue(_ports) ?? []).ToDictionary(p => $"{p}/tcp", _ => new ImagePortDetails(), StringComparer.Ordinal);
        return new ImageConfig
        {
            Entrypoint = Words(parse.GetValue(_entrypoint), "--entrypoint"),
            Cmd = Words(parse.GetValue(_cmd), "--cmd"),
            Env = parse.GetValue(_env) is { Length: > 0 } env ? env : null,
            WorkingDir = parse.GetValue(_workdir),
            User = parse.GetValue(_user),
            Labels = labels.Count > 0 ? labels : null,
            ExposedPorts = ports.Count > 0 ? ports : null,
        };
    }

    // A program outside of the directory may be the host's (process runtime) or a mistake; said now, it saves a failed start.
    private void CheckProgram(string directory, ImageConfig config)
    {
        var program = config.Entrypoint?[0] ?? "";
        if (!program.Contains('/', StringComparison.Ordinal) || !Directory.Exists(directory))
        {
            return;
        }
        var inside = program.StartsWith('/') ? program[1..] : Path.Combine((config.WorkingDir ?? "/").TrimStart('/'), program);
        var path = Path.GetFullPath(Path.Combine(directory, inside));
        if (!File.Exists(path))
        {
            Context.Warn($"the entrypoint {program} is not in {directory} ({path} does not exist); it will only start where the machine has that program");
        }
        else if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == 0)
        {
            throw new CliException(ExitCodes.Usage, $"the entrypoint {program} is not executable; run chmod +x {path}");
        }
    }
}
