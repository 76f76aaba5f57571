defmodule Shop.Cart do
  @moduledoc """
  What a customer buys.
  """
  use GenServer
  alias Shop.{Item, Money}
  alias Shop.Deep.Thing, as: T
  import Ecto.Query, only: [from: 2]

  @timeout 5_000
  @type t :: %__MODULE__{items: list}
  @callback run(term) :: :ok

  defstruct [:items]

  @doc """
  Adds an item 😋.
  """
  @spec add(t, Item.t()) :: t
  def add(%__MODULE__{} = cart, item) when is_map(item) do
    Logger.info("added")
    cart |> put(item) |> Map.put(:size, 1)
  end

  def add(cart, nil), do: cart

  @doc "The number of items."
  def size(cart), do: length(cart.items)

  @doc false
  @spec size(t, atom) :: integer
  def size(cart, kind), do: T.count(cart, kind)

  defp put(cart, item), do: %{cart | items: [item]}

  defmacro is_ok(x) do
    quote do: unquote(x) == :ok
  end

  defdelegate len(list), to: Enum, as: :count

  defmodule Error do
    defexception [:message]
  end
end

defprotocol Size do
  @doc "Calculates it."
  def size(data)
end

defimpl Size, for: Shop.Cart do
  def size(cart), do: 1
end

test "adds one item. Twice", %{cart: cart} do
  assert Shop.Cart.add(cart, nil)
end
