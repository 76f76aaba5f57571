{-# LANGUAGE GADTs #-}
-- | What a customer buys.
module Shop.Cart (Cart(..), add) where

import qualified Data.Map.Strict as M
import Data.List (sortBy, foldl')
import Data.Text hiding (map) -- all the rest
import Shop.Item as I

-- | A cart.
data Cart a = Cart
  { cartId :: Int -- ^ its number
  , items :: [a]
  } | Empty
  deriving (Show, Eq)

newtype Wrap m a = Wrap { unWrap :: m a }
type Name = String

{-| What has
an area. -}
class (Eq a) => Shape a where
  -- | The area.
  area :: a -> Double
  area _ = 0

instance Shape (Cart a) where
  area c = scale (items c)

-- | Adds an item.
-- It may be there.
add :: Int -> Cart a
    -> Cart a
add 0 c = c
-- else
add n (Cart i xs) = go xs
  where
    go [] = Empty
    go (y:ys) = M.insert y $ go ys

size, len :: Cart a -> Int
size = length . items
len c | big c = 2
      | otherwise = f c

(<+>) :: Int -> Int -> Int
a <+> b = a + b

main :: IO ()
main = do
  putStrLn "😋"
