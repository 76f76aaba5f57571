import { Button } from "@acme/ui";
import { useCart } from "./use-cart";

type Props = { title: string };

export function Panel({ title }: Props): JSX.Element {
  const cart = useCart();
  return (
    <section>
      <Button onClick={() => cart.clear()}>{title}</Button>
    </section>
  );
}

export const Badge: React.FC<Props> = ({ title }) => <b>{title}</b>;
