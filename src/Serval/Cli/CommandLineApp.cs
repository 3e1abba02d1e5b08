using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Commands;
using Serval.Commands.Kn;
using Serval.Images;
using Serval.Kube;

namespace Serval.Cli;

/// <summary>The whole command line: parses, runs one verb, turns failures into one message and an exit code.</summary>
internal static class CommandLineApp
{
    // "@latest" and "@FILE" are values, not files with more of the command line.
    private static readonly ParserConfiguration s_parser = new() { ResponseFileTokenReplacer = null };

    public static async Task<int> RunAsync(string[] args, CliContext context, CancellationToken ct)
    {
        var root = CreateRoot(context);
        var parse = root.Parse(args, s_parser);
        if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction)
        {
            var verb = parse.CommandResult.Command == root ? "serval" : $"serval {PathOf(parse)}";
            return Report(context, ExitCodes.Usage, $"{string.Join(' ', parse.Errors[0].Message.Split((char[])['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.')}; see `{verb} --help`");
        }
        var configuration = new InvocationConfiguration
        {
            Output = context.Out, Error = context.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
        };
        try
        {
            return await parse.InvokeAsync(configuration, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (Explain(e) is var (code, message))
        {
            return Report(context, code, message);
        }
    }

    public static RootCommand CreateRoot(CliContext context)
    {
        var root = new RootCommand("Serval: deploy, get a URL, scale to zero. A Knative-compatible serverless platform in one program.")
        {
            SharedOptions.DataDirectory(),
            new ApplyCommand(context),
            new DeleteCommand(context),
            new GetCommand(context),
            new WhyCommand(context),
            new LogsCommand(context),
            new InvokeCommand(context),
            new ServiceCommand(context),
            new RevisionCommand(context),
            new RouteCommand(context),
            new DomainCommand(context),
            new ImageCommand(context),
            new ApiServerCommand(context),
            new ControllerCommand(context),
            new GatewayCommand(context),
            new NodeCommand(context),
            new ManifestCommand(context),
            new KubeconfigCommand(context),
            new BackupCommand(context),
            new RestoreCommand(context),
            new CompletionCommand(context),
            new VersionCommand(context),
        };
        if (context.StartHost is not null)
        {
            root.Subcommands.Insert(0, new UpCommand(context));
            root.Subcommands.Insert(1, new DemoCommand(context));
        }
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new ExamplesHelpAction((HelpAction)help.Action!);
        }
        root.SetAction(parse => new HelpAction().Invoke(parse));
        return root;
    }

    /// <summary>The exit code of a failed API call.</summary>
    public static int CodeOf(ApiException e) => e switch
    {
        { IsNotFound: true } => ExitCodes.NotFound,
        { Code: 408 or 504 } => ExitCodes.Timeout,
        { Code: 400 or 401 or 403 or 422 } => ExitCodes.Refused,
        _ => ExitCodes.Failed,
    };

    private static string PathOf(ParseResult parse) =>
        string.Join(' ', parse.CommandResult.Command.Parents.OfType<Command>().Where(c => c is not RootCommand).Select(c => c.Name).Append(parse.CommandResult.Command.Name));

    private static int Report(CliContext context, int code, string message)
    {
        context.Error.WriteLine($"{context.Paint("error:", "31;1")} {message}");
        return code;
    }

    private static (int Code, string Message)? Explain(Exception e) => e switch
    {
        CliException cli => (cli.ExitCode, cli.Message),
        ApiException api => (CodeOf(api), api.Message),
        ImageException { Error: ImageError.NotFound } image => (ExitCodes.NotFound, image.Message),
        ImageException { Error: ImageError.Invalid } image => (ExitCodes.Usage, image.Message),
        ImageException image => (ExitCodes.Failed, image.Message),
        StoreException or DirectoryInUseException => (ExitCodes.Failed, e.Message),
        IOException or UnauthorizedAccessException => (ExitCodes.Failed, FileFailure.Explain(e)),
        _ => (ExitCodes.Failed, $"unexpected: {e}"),
    };
}
