using System.Text;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Tests.Discovery;

/// <summary>A protobuf message whose fields are looked up by number.</summary>
internal sealed class WireMessage
{
    private readonly List<(int Number, byte[] Bytes)> _fields = [];

    public WireMessage(byte[] bytes)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            _fields.Add((reader.Number, reader.IsDelimited ? reader.Bytes.ToArray() : []));
        }
    }

    public bool Has(int number) => _fields.Exists(f => f.Number == number);

    public IEnumerable<string> Texts(int number) => _fields.Where(f => f.Number == number).Select(f => Encoding.UTF8.GetString(f.Bytes));

    public string Text(int number) => Texts(number).SingleOrDefault() ?? "";

    public IEnumerable<WireMessage> Messages(int number) => _fields.Where(f => f.Number == number).Select(f => new WireMessage(f.Bytes));

    public WireMessage Message(int number) => Messages(number).Single();
}
