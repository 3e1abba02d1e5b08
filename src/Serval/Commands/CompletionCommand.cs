using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands;

/// <summary>
/// <c>serval completion</c>: a script that lets a shell complete verbs, options and names. The script asks <c>serval "[suggest:POSITION]" LINE</c>
/// (System.CommandLine: suggest directive); options are offered for a word that begins as one.
/// </summary>
internal sealed class CompletionCommand : Verb
{
    private const string Bash = """
        _serval() {
            local word=${COMP_WORDS[COMP_CWORD]} found
            found=$(serval "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
            [[ $word == -* ]] || found=$(grep -v '^[-/]' <<< "$found")
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$found" -- "$word"))
        }
        complete -o default -F _serval serval
        """;

    private const string Zsh = """
        #compdef serval
        _serval() {
            local line="${(j: :)words[1,CURRENT]}"
            local -a found
            found=(${(f)"$(serval "[suggest:${#line}]" "$line" 2>/dev/null)"})
            [[ ${words[CURRENT]} == -* ]] || found=(${found:#[-/]*})
            compadd -a found || _files
        }
        compdef _serval serval
        """;

    private const string Fish = """
        function __serval_complete
            set -l line (commandline -cp)
            set -l found (serval "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
            set -l unwanted '^$'
            if not string match -q -- '-*' (commandline -ct)
                set unwanted '^([-/]|$)'
            end
            set found (string match -rv $unwanted -- $found)
            if test (count $found) -eq 0
                __fish_complete_path (commandline -ct)
                return
            end
            printf '%s\n' $found
        end
        complete -c serval -f -a '(__serval_complete)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName serval -ScriptBlock {
            param($word, $ast, $position)
            $line = $ast.ToString().PadRight($position)
            & serval "[suggest:$position]" $line 2>$null |
                Where-Object { $word -like '-*' -or $_ -notmatch '^[-/]' } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal) { ["bash"] = Bash, ["zsh"] = Zsh, ["fish"] = Fish, ["powershell"] = PowerShell };
    private readonly Argument<string> _shell = new("shell") { Description = "bash, zsh, fish or powershell", HelpName = "SHELL" };

    public CompletionCommand(CliContext context)
        : base(
            context,
            "completion",
            "Write a script that lets a shell complete commands and names",
            "source <(serval completion bash)",
            "source <(serval completion zsh)",
            "serval completion fish | source",
            "serval completion powershell | Out-String | Invoke-Expression")
    {
        _shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        Add(_shell);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        await Context.Out.WriteLineAsync(s_scripts[parse.GetRequiredValue(_shell)]);
        return ExitCodes.Ok;
    }
}
