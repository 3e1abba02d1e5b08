using System.CommandLine;
using System.Net;
using Serval.Api.Core;
using Serval.Composition;

namespace Serval.Cli;

/// <summary>Options of a role that others find and reach.</summary>
internal sealed class PeerOptions
{
    private readonly Option<string?> _name;
    private readonly Option<IPAddress> _listen = ListenOptions.Address();
    private readonly Option<IPAddress?> _advertise = ListenOptions.Advertise();
    private readonly Option<int> _signalsPort = ListenOptions.Port("--signals-port", "Port on which other roles reach this one; 0 is any free one", 0);

    /// <param name="description">Of the name.</param>
    /// <param name="option">What the name is called.</param>
    public PeerOptions(string description, string option = "--name")
    {
        _name = new Option<string?>(option) { Description = description, HelpName = "NAME" };
        _name.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Names.Subdomain(token.Value) is { } why)
            {
                result.AddError($"{option} \"{token.Value}\" cannot be a name: {why}");
            }
        });
    }

    public void AddTo(Command command)
    {
        command.Add(_name);
        command.Add(_listen);
        command.Add(_advertise);
        command.Add(_signalsPort);
    }

    public RoleOptions Read(ParseResult parse) => new()
    {
        Name = parse.GetValue(_name) ?? "", Listen = parse.GetValue(_listen)!, Advertise = parse.GetValue(_advertise), SignalsPort = parse.GetValue(_signalsPort),
    };
}
